/**
 * An order number that the merchant's earlier system has already used at WeChat. The payment of the
 * earlier order settles the shop's order only if payer and amount are the same, and if it was made
 * after the shop's order was placed or had been reported as missing before.
 */
import { signatureOf, withSignature } from '../../dev/wechat/signature.ts'
import { readXml, writeXml } from '../../dev/wechat/xml.ts'
import type { Client } from './client.ts'
import { EARLIER, type MayPay } from './earlier-number.ts'
import type { Random } from './random.ts'
import { tickAfter } from './tick.ts'
import { USERS } from './users.ts'
import type { World } from './world.ts'

export interface ReuseNumber {
  readonly kind: 'reuse a number'
  readonly user: number
  readonly isSamePayer: boolean
  readonly isSameFee: boolean
  /** The state of the earlier order when the shop places its own. `paid later`: paid after that. */
  readonly earlier: 'open' | 'paid' | 'paid later' | 'closed'
  /** Whether WeChat notifies the shop of the earlier order. If not, the earlier system. */
  readonly isNotifiedHere: boolean
  readonly steps: readonly ('prepay' | 'query' | 'close' | 'cron')[]
}

const FEE = 2_800
/** The fault `other amount` changes this amount by less than the difference. */
const OTHER_FEE = 2_000
/** Exceeds the five minutes before WeChat closes an order, and the clock skew that is tolerated. */
const PAUSE_MS = 30 * 60_000
const SIGN_TYPE = 'HMAC-SHA256'

export async function reuseNumber(
  world: World,
  client: Client,
  { user, isSamePayer, isSameFee, earlier, isNotifiedHere, steps }: ReuseNumber,
  random: Random,
): Promise<void> {
  const { simulator, time, env } = world
  const outTradeNo = newNumber(world, random)
  const openid = USERS[user] ?? ''
  const mayPay: MayPay =
    !isSamePayer || !isSameFee || (earlier === 'paid' && !isNotifiedHere)
      ? 'never'
      : earlier === 'paid'
        ? 'if reported'
        : 'always'
  world.earlier.set(outTradeNo, mayPay)
  if (mayPay !== 'always') world.suspects.add(outTradeNo)
  const answer = await callWechat(world, 'unifiedorder', {
    body: 'earlier',
    out_trade_no: outTradeNo,
    total_fee: String(isSameFee ? FEE : OTHER_FEE),
    spbill_create_ip: '203.0.113.7',
    notify_url: isNotifiedHere ? `${world.origin}/api/notify` : 'https://earlier.test/notify',
    trade_type: 'JSAPI',
    openid: isSamePayer ? openid : (USERS[1 - user] ?? ''),
  })
  const pay = () => simulator.pay(signPayment(world, answer.get('prepay_id') ?? '')).errMsg
  if (earlier === 'paid' && pay() !== 'requestPayment:ok')
    throw new Error('the earlier order was not paid')
  await tickAfter(world, random.next(), PAUSE_MS)
  if (earlier === 'closed') await callWechat(world, 'closeorder', { out_trade_no: outTradeNo })

  const order = { openid, totalFee: FEE, body: '拿铁', outTradeNo }
  const placed = await client.request(
    'orders',
    'POST',
    '/api/orders',
    { body: order },
    random.next(),
  )
  // WeChat may then notify the shop of an order that it does not have.
  if (placed.status === 0 || placed.status >= 400) world.suspects.add(outTradeNo)
  if (earlier === 'paid later') {
    pay()
    await tickAfter(world, random.next(), random.between(0, 1_500))
  }
  world.count('world', `number of an earlier order: ${earlier}, ${placed.status}`)
  for (const step of steps) {
    const body = { outTradeNo }
    const next = random.next()
    if (step === 'query')
      await client.request('query', 'GET', `/api/query?outTradeNo=${outTradeNo}`, { user }, next)
    else if (step === 'cron')
      await client.request('cron', 'GET', '/api/cron', { key: env.CRON_SECRET }, next)
    else await client.request(step, 'POST', `/api/${step}`, { user, body }, next)
    await time.sleep(random.between(0, 10_000))
  }
}

/** Two actions with the same seed draw the same number first. */
function newNumber(world: World, random: Random): string {
  const number = `${EARLIER}${random.bytes(4).toString('hex')}`
  return world.earlier.has(number) ? newNumber(world, random) : number
}

/** The orders that wait for a person: an incident says that the earlier payment is not theirs. */
export async function findContradicted({ sql, earlier }: World): Promise<readonly string[]> {
  if (earlier.size === 0) return []
  const rows = await sql(
    `select o.out_trade_no as no,
       count(*) filter (where i.kind = 'order' and i.occurred_at < o.created_at and i.received ->> 'totalFee' = o.total_fee::text)::integer as reports
     from orders o join incidents i on i.out_trade_no = o.out_trade_no where o.out_trade_no = any($1) group by 1`,
    [[...earlier.keys()]],
  )
  return rows
    .filter(({ no, reports }) => {
      const mayPay = earlier.get(String(no))
      return mayPay === 'never' || (mayPay === 'if reported' && Number(reports) === 0)
    })
    .map(({ no }) => String(no))
}

/** Calls WeChat as the earlier system did: with APIv2, and without faults. */
async function callWechat(
  { env, simulator, time }: World,
  path: 'unifiedorder' | 'closeorder',
  fields: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const own = {
    appid: env.WECHAT_APPID,
    mch_id: env.WECHAT_MCH_ID,
    nonce_str: 'nonce',
    sign_type: SIGN_TYPE,
  }
  const message = new Map(Object.entries({ ...own, ...fields }))
  const body = writeXml(withSignature(message, env.WECHAT_PAY_KEY, SIGN_TYPE))
  const request = new Request(`https://wechat.test/pay/${path}`, { method: 'POST', body })
  const bytes = await time.real(async () => (await simulator.app.fetch(request)).bytes())
  const read = readXml(bytes)
  if (!read.ok || read.value.get('result_code') !== 'SUCCESS')
    throw new Error(`the earlier system: ${path} answered ${Buffer.from(bytes).toString()}`)
  return read.value
}

function signPayment({ env, time }: World, prepayId: string) {
  const fields = {
    appId: env.WECHAT_APPID,
    timeStamp: String(Math.floor(time.now() / 1_000)),
    nonceStr: 'nonce',
    package: `prepay_id=${prepayId}`,
    signType: SIGN_TYPE,
  } as const
  const message = new Map(Object.entries(fields))
  return { ...fields, paySign: signatureOf(message, env.WECHAT_PAY_KEY, SIGN_TYPE) }
}
