/** APIv3: the gateway of each account, and the notifications of all of them. */
import type { Account } from '../../core/account.ts'
import { ok } from '../../core/result.ts'
import type { PayGateway } from '../../ports.ts'
import type { Batches } from '../bill-stream.ts'
import { isHostUp } from '../host-probe.ts'
import type { Protocol } from '../protocols.ts'
import { createUnconfiguredGateway } from '../unconfigured-gateway.ts'
import type { CallSettings } from './call.ts'
import { createCertificateKeys, type SharedCertificates } from './certificates.ts'
import { acknowledge, readNotification, recognizes } from './notification.ts'
import { createOrderCalls, queryBy } from './orders.ts'
import { payOutRefund } from './payouts.ts'
import { combineKeys, configuredKeys, type PlatformKeys } from './platform-keys.ts'
import { createRefundCalls, queryByNumber, type RefundLists } from './refunds.ts'
import { createSeenRefunds, type SeenRefunds } from './seen-refunds.ts'
import type { V3Settings, V3Tools } from './settings.ts'

export interface V3Parts extends V3Tools {
  /** Read when they are needed, so a missing variable stops only the calls that need it. */
  readonly settings: () => V3Settings
  readonly certificates: SharedCertificates
  readonly refundLists: RefundLists
}

export function createV3({
  settings,
  certificates,
  refundLists,
  newNonce,
  now,
}: V3Parts): Protocol {
  const tools: V3Tools = { newNonce, now }
  const seen = createSeenRefunds()
  let keys: PlatformKeys | undefined
  const keysFor = (configured: V3Settings): PlatformKeys =>
    (keys ??= combineKeys(
      configuredKeys(configured),
      createCertificateKeys(configured, tools, certificates),
    ))

  const callSettings = (): CallSettings => {
    const configured = settings()
    return { ...configured, ...tools, keys: keysFor(configured) }
  }

  const createGateway = (account: Account): PayGateway => {
    const own: CallSettings = { ...callSettings(), appid: account.appid }
    const orders = createOrderCalls(own)
    return {
      ...orders,
      ...createRefundCalls(own, refundLists, seen, orders.findPayment),
      prepayKey: async (order) => orders.prepayKey(order),
      signPayment: async (prepayId, at) => orders.signPayment(prepayId, at),
      checkRefundSettings: async () => ok(null),
      checkPayoutSettings: async () => ok(null),
      payOutRefund: (refund, payout) => payOutRefund(own, refund, payout),
      probe: (kind) =>
        kind === 'order'
          ? queryBy(own, { outTradeNo: newNonce() })
          : queryByNumber(own, newNonce()),
      // Only cron compares bills, so no other function loads the code for it.
      async *readBill(day, withinMs) {
        const { readBill } = await import('./bill.ts')
        yield* noteRefunds(seen, readBill(own, day, withinMs))
      },
      isReachable: () => isHostUp(own.hosts[0]),
    }
  }

  return {
    gateway: (account) =>
      account.mchId === settings().mchId && account.sub === null
        ? createGateway(account)
        : createUnconfiguredGateway({
            reason: 'not_configured',
            variable: 'WECHAT_MCH_ID',
            fault: 'is not the merchant number that this order was placed under',
            why: 'account',
          }),
    complaints: async () => {
      const own = callSettings()
      const { createComplaintCalls } = await import('./complaints.ts')
      return createComplaintCalls(own)
    },
    recognizes,
    notifications: {
      read: async (message) => {
        const configured = settings()
        const read = await readNotification(configured, keysFor(configured), message, now())
        if (read.ok && read.value.kind === 'refund') seen.add(read.value)
        return read
      },
      acknowledge: async (_, handled) => acknowledge(handled),
    },
  }
}

async function* noteRefunds(seen: SeenRefunds, batches: Batches): Batches {
  for await (const batch of batches) {
    if (batch.ok) for (const row of batch.value) if (row.kind === 'refund') seen.add(row)
    yield batch
  }
}
