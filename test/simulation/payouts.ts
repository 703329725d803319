/** The merchant pays a refund that the payer's card refuses (CHANGE) to other accounts. */
import type { Client } from './client.ts'
import type { Observer } from './observer.ts'
import type { Random } from './random.ts'
import { tickAfter } from './tick.ts'
import type { World } from './world.ts'

export interface PayOutRefund {
  readonly kind: 'pay out refund'
  readonly which: number
  readonly fee: number
  readonly payouts: readonly PayoutRequest[]
}

interface PayoutRequest {
  readonly to: keyof typeof ACCOUNTS
  /** Delay after the request before, in milliseconds. */
  readonly afterMs: number
  /** Requests with this account at the same time. */
  readonly times: number
  readonly endsAs: 'SUCCESS' | 'CHANGE'
  /** How many requests ask about the refund meanwhile. */
  readonly looks: number
}

const CARD = { type: 'user_bank_card', realName: '阿依古丽·买买提' } as const
const ACCOUNTS = {
  merchant: { type: 'merchant_bank_card' },
  card: { ...CARD, bankType: 'CMB_DEBIT', bankAccount: '6225880137700001' },
  'other card': { ...CARD, bankType: 'ICBC_DEBIT', bankAccount: '6222021602000002' },
} as const

/** They are encrypted for WeChat, and must be nowhere else. */
export const PAYOUT_SECRETS = [
  CARD.realName,
  ACCOUNTS.card.bankAccount,
  ACCOUNTS['other card'].bankAccount,
] as const

/** WeChat has made a refund after this time. */
const REFUND_MS = 3_100

/** Requests a refund that becomes CHANGE, and then the payouts, one after the other. */
export async function payOutRefund(
  world: World,
  client: Client,
  observer: Observer,
  outTradeNo: string,
  { fee, payouts }: PayOutRefund,
  random: Random,
): Promise<void> {
  const { simulator, time } = world
  const outRefundNo = `${outTradeNo}-${random.bytes(3).toString('hex')}`
  const body = { outTradeNo, outRefundNo, refundFee: fee }
  const path = `/api/refund?outRefundNo=${outRefundNo}`
  const send = async (payout?: object) => {
    const all = payout === undefined ? body : { ...body, payout }
    const request = { body: all }
    const answer = await client.request('refund', 'POST', '/api/refund', request, random.next())
    observer.readAcceptedRefund(answer, outRefundNo, fee)
    return answer
  }
  const look = async (afterMs: number) => {
    await time.sleep(afterMs)
    await client.request('refund', 'GET', path, {}, random.next())
  }
  simulator.misbehave({ on: 'refund', times: 1, do: 'end-as', status: 'CHANGE' })
  await send()
  await tickAfter(world, random.next(), REFUND_MS)
  for (const { to, afterMs, times, endsAs, looks } of payouts) {
    await time.sleep(afterMs)
    if (endsAs === 'CHANGE')
      simulator.misbehave({ on: 'abnormal-refund', times: 1, do: 'end-as', status: 'CHANGE' })
    const answers = await Promise.all([
      ...Array.from({ length: times }, () => send(ACCOUNTS[to])),
      ...Array.from({ length: looks }, () => look(random.between(0, REFUND_MS))),
    ])
    const codes = answers.flatMap((answer) =>
      answer === undefined ? [] : [`${answer.status} ${answer.code}`.trim()],
    )
    for (const code of codes) world.count('world', `payout ${code}`)
    await Promise.all([
      tickAfter(world, random.next(), REFUND_MS),
      ...(looks > 0 ? [look(REFUND_MS)] : []),
    ])
  }
}
