/**
 * Notifications in addition to those that are due, of WeChat or of a forger. None of them may
 * change an order by itself.
 */
import type { Protocol } from './account.ts'
import {
  COMPARED,
  FORGERIES_OF_PAYMENTS,
  HIDING_PLACES,
  writePaymentNotification,
  writeV3Event,
  type ForgeryOfPayment,
  type Message,
} from './forged-notification.ts'
import type { SimulatedOrder } from '../../dev/wechat/order.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export const EXTRAS = [
  'probe',
  'unknown event',
  'repeated',
  'other protocol',
  ...FORGERIES_OF_PAYMENTS,
] as const
export type Extra = (typeof EXTRAS)[number]

/**
 * The kind of order that the notification concerns. One of the other protocol may report a real
 * payment or an invented one.
 */
export function wantedOrder(extra: Extra, random: Random): 'paid' | 'unpaid' | 'any' {
  if (isForgery(extra)) return 'unpaid'
  if (extra === 'repeated') return 'paid'
  if (extra === 'other protocol') return random.chance(0.7) ? 'unpaid' : 'paid'
  return 'any'
}

const isForgery = (extra: Extra): extra is ForgeryOfPayment =>
  FORGERIES_OF_PAYMENTS.some((one) => one === extra)

const PROBE = 'WECHATPAY/SIGNTEST/'

/** Sends the notification. Returns a description of each broken promise. */
export async function sendExtra(
  world: World,
  extra: Extra,
  outTradeNo: string,
  random: Random,
): Promise<readonly string[]> {
  const [row] = await world.sql('select protocol from orders where out_trade_no = $1', [outTradeNo])
  if (row === undefined) return []
  const own: Protocol = row['protocol'] === 'v3' ? 'v3' : 'v2'
  const order = () => world.simulator.orders().find((one) => one.outTradeNo === outTradeNo)
  const known = order()
  if (known === undefined) return []
  if (extra === 'repeated' && known.payment === null) return []
  if (isForgery(extra)) return sendForgery(world, extra, { ...known, protocol: own }, random)
  const other = own === 'v2' ? 'v3' : 'v2'
  const protocol = extra === 'probe' ? 'v3' : extra === 'other protocol' ? other : own
  const transactionId = known.payment?.transactionId ?? `42${random.bytes(12).toString('hex')}`
  const facts = {
    ...known,
    transactionId,
    paidAt: new Date(known.payment?.paidAt ?? world.time.now()),
    attach: known.request['attach'] ?? '',
  }
  // A payment with a field that is not documented is genuine, too: WeChat may add fields.
  const added = extra === 'repeated' && random.chance(0.3) ? 'own field' : null
  const payment = writePaymentNotification(world, protocol, facts, null, added)
  if (known.payment === null && extra === 'other protocol') world.suspects.add(outTradeNo)
  const answer = await send(world, messageOf(world, extra, payment), random)
  if (answer === 'none') return []
  world.count('world', `${extra} ${answer}`)
  if (answer === 'refused') return []
  if (extra === 'probe') return ['1: a signature probe was taken']
  if (extra === 'unknown event') return []
  return order()?.payment?.transactionId === transactionId
    ? []
    : [`1: ${outTradeNo} was taken for paid on the word of the other protocol`]
}

/** Sends a false notification of an order that is not paid. It must be refused. */
async function sendForgery(
  world: World,
  forgery: ForgeryOfPayment,
  order: SimulatedOrder & { readonly protocol: Protocol },
  random: Random,
): Promise<readonly string[]> {
  const { outTradeNo, protocol, request, payment } = order
  if (payment !== null || (forgery === 'old message' && protocol === 'v2')) return []
  const isOfProduct = forgery === 'text of another product'
  // A payment of another product is acknowledged in APIv3, so that WeChat does not repeat it.
  const isIgnored = isOfProduct && protocol === 'v3'
  if (COMPARED.includes(forgery) && !isIgnored) world.suspects.add(outTradeNo)
  const facts = {
    ...order,
    transactionId: `42${random.bytes(12).toString('hex')}`,
    paidAt: new Date(world.time.now()),
    attach: request['attach'] ?? '',
  }
  const hidden = isOfProduct ? random.pick(HIDING_PLACES) : null
  const message = writePaymentNotification(world, protocol, facts, forgery, hidden)
  const answer = await send(world, message, random)
  if (answer !== 'none') world.count('world', `forgery ${forgery} ${answer}`)
  return answer === 'taken' && !isIgnored ? [`1: a false notification was taken: ${forgery}`] : []
}

function messageOf(
  world: World,
  extra: Exclude<Extra, ForgeryOfPayment>,
  payment: Message,
): Message {
  switch (extra) {
    case 'probe': {
      const { headers, body } = payment
      const signature = headers['wechatpay-signature'] ?? ''
      const tested = `${PROBE}${signature.slice(PROBE.length)}`
      return { body, headers: { ...headers, 'wechatpay-signature': tested } }
    }
    case 'unknown event':
      return writeV3Event(world, 'COUPON.USE', 'coupon', { coupon_id: '987568584' })
    case 'repeated':
    case 'other protocol':
      return payment
  }
}

/** `none`: the connection broke. */
const send = (
  world: World,
  message: Message,
  random: Random,
): Promise<'taken' | 'refused' | 'none'> =>
  world.call(random, '/api/notify', { method: 'POST', ...message }).then(
    async (response) =>
      response.ok && (await response.text()).includes('SUCCESS') ? 'taken' : 'refused',
    () => 'none',
  )
