/** The merchant pays a refund that the payer's card refuses (CHANGE) to other accounts. */
import type { Client } from './client.ts'
import type { Observer } from './observer.ts'
import { ACCOUNTS } from './payout-accounts.ts'
import type { Random } from './random.ts'
import { tickAfter } from './tick.ts'
import { REFUND_MS } from './wechat-times.ts'
import type { World } from './world.ts'

/**
 * Requests a refund that becomes CHANGE, and then up to three payouts, some of them twice at the
 * same time. Without faults. Returns a description of each wrong answer.
 */
export async function payOutRefund(
  world: World,
  client: Client,
  observer: Observer,
  { outTradeNo, fee }: { readonly outTradeNo: string; readonly fee: number },
  random: Random,
): Promise<readonly string[]> {
  const { simulator, time } = world
  const outRefundNo = `${outTradeNo}-${random.bytes(3).toString('hex')}`
  const body = { outTradeNo, outRefundNo, refundFee: fee }
  const path = `/api/refund?outRefundNo=${outRefundNo}`
  const send = async (request: object) => {
    const options = { body: request }
    const answer = await client.request('refund', 'POST', '/api/refund', options, random.next())
    observer.readAcceptedRefund(answer, outRefundNo, fee)
    return answer
  }
  const look = async () => {
    await time.sleep(random.between(0, REFUND_MS))
    await client.request('refund', 'GET', path, {}, random.next())
  }
  simulator.misbehave({ on: 'refund', times: 1, do: 'end-as', status: 'CHANGE' })
  await send(body)
  await tickAfter(world, random.next(), REFUND_MS)
  await look()
  // APIv2 has no call for payouts.
  const order = simulator.orders().find((one) => one.outTradeNo === outTradeNo)
  const expected = order?.signType === 'RSA' ? '202' : '409 payout_in_console_only'
  const problems: string[] = []
  const payouts = random.pick([0, 1, 2, 3])
  for (let count = 0; count < payouts; count += 1) {
    // The new account may refuse the money, too.
    if (random.chance(0.3))
      simulator.misbehave({ on: 'abnormal-refund', times: 1, do: 'end-as', status: 'CHANGE' })
    const request = { ...body, payout: random.pick(ACCOUNTS) }
    const copies = Array.from({ length: random.pick([1, 1, 2]) }, () => send(request))
    const looks = Array.from({ length: random.pick([0, 1]) }, look)
    const [answers] = await Promise.all([Promise.all(copies), Promise.all(looks)])
    for (const { status, code } of answers) {
      const given = `${status} ${code}`.trim()
      world.count('world', `payout ${given}`)
      if (given !== expected) problems.push(`a payout was answered ${given}, not ${expected}`)
    }
    await Promise.all([tickAfter(world, random.next(), REFUND_MS), look()])
  }
  await look()
  return problems
}
