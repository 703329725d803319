/** WeChat refuses to take shipments for a while. None of its answers is a final refusal. */
import type { World } from './world.ts'

export const TROUBLES = [
  'upload: -1',
  'upload: 45009',
  'upload: 45011',
  'upload: 10060001',
  'upload: 10060012',
  'upload: 40001',
  'upload: 99999',
  'get_order: -1',
  'get_order: 45009',
  'get_order: 10060001',
  'token: -1',
  'token: 45009',
  'token revoked',
] as const

export interface ShippingTrouble {
  readonly kind: 'shipping trouble'
  /** One after the other. */
  readonly troubles: readonly (typeof TROUBLES)[number][]
  /** The number of calls that each of them refuses. */
  readonly times: number
}

const TARGETS = {
  upload: 'upload_shipping_info',
  get_order: 'get_order',
  token: 'stable_token',
} as const

export function startTroubles(world: World, { troubles, times }: ShippingTrouble): void {
  const { simulator } = world
  for (const trouble of troubles) {
    world.count('world', `shipping trouble ${trouble}`)
    if (trouble === 'token revoked') {
      simulator.revokeToken()
      continue
    }
    const [target = '', code] = trouble.split(': ')
    const on = target === 'upload' || target === 'token' ? TARGETS[target] : TARGETS.get_order
    simulator.misbehave({ on, do: 'errcode', errcode: Number(code), times })
  }
}
