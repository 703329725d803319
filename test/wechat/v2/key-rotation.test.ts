/**
 * The change of the APIv2 key: WeChat switches at one moment, and no notification or call is lost.
 */
import type { Account } from '../../../lib/core/account.ts'
import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { demoCertificate } from '../../../dev/world/demo-values.ts'
import { listen, type Port } from '../../../dev/world/listen.ts'
import { createSimulator } from '../../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../../dev/wechat/simulator.ts'
import { parseDay } from '../../../lib/core/day.ts'
import type { LogFields } from '../../../lib/core/log-fields.ts'
import { parseOpenid, parseOutRefundNo, parseOutTradeNo } from '../../../lib/core/ids.ts'
import type { OrderTerms } from '../../../lib/core/order.ts'
import { loadCertificate } from '../../../lib/http-client/request.ts'
import type { BillRow, PayGateway } from '../../../lib/ports.ts'
import { withRequest } from '../../../lib/request-context.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { readNotification } from '../../../lib/wechat/v2/notification.ts'
import { signed, verify, type SignType } from '../../../lib/wechat/v2/sign.ts'
import { createV2 } from '../../../lib/wechat/v2/v2.ts'
import { readXml, writeXml } from '../../../lib/wechat/xml.ts'
import { listenToLog } from '../../steps/log-lines.ts'
import { fen } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { demoPay } from '../../support/samples.ts'
import { openShop, toPayment, type Shop } from '../../support/shop.ts'

const OLD = 'DemoV2ApiKey00000000000000000001'
const NEW = 'DemoV2ApiKey00000000000000000002'
const THIRD = 'AnotherMerchantsKey0000000000001'
const OPENID = must(parseOpenid('oDemo000000000000000000User1'))

type Keys = Pick<PaySettings, 'key' | 'otherKey'>
const before: Keys = { key: OLD }
const newFirst: Keys = { key: NEW, otherKey: OLD }
const oldFirst: Keys = { key: OLD, otherKey: NEW }
const after: Keys = { key: NEW }

const phases: readonly (readonly [
  phase: string,
  keys: Keys,
  signedWith: string,
  isAccepted: boolean,
])[] = [
  ['before it, with the old key', before, OLD, true],
  ['before it, with the new key', before, NEW, false],
  ['during it, with the old key', newFirst, OLD, true],
  ['during it, with the new key', newFirst, NEW, true],
  [
    'during it, with the old key still first in our settings, with the old key',
    oldFirst,
    OLD,
    true,
  ],
  [
    'during it, with the old key still first in our settings, with the new key',
    oldFirst,
    NEW,
    true,
  ],
  ['during it, with a third key', newFirst, THIRD, false],
  ['after it, with the old key', after, OLD, false],
  ['after it, with the new key', after, NEW, true],
]

describe('a notification of a payment', () => {
  const paid = {
    return_code: 'SUCCESS',
    result_code: 'SUCCESS',
    appid: demoPay.appid,
    mch_id: demoPay.mchId,
    nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
    out_trade_no: 'T20250102000001',
    transaction_id: '4200002500202501020000000001',
    total_fee: '101',
    time_end: '20250102030501',
    openid: 'oDemo000000000000000000User1',
  }
  const read = (
    keys: Keys,
    signedWith: string,
    type: SignType,
    changes: Record<string, string> = {},
  ) =>
    readNotification(
      { ...demoPay, ...keys },
      Buffer.from(
        writeXml(signed(new Map(Object.entries({ ...paid, ...changes })), signedWith, type)),
      ),
    )
  const REFUSED = { ok: false, error: { reason: 'notice_rejected', check: 'signature' } }

  test.each(phases)('signed %s', async (_phase, keys, signedWith, isAccepted) => {
    for (const type of ['MD5', 'HMAC-SHA256'] as const) {
      expect(await read(keys, signedWith, type)).toMatchObject(
        isAccepted ? { ok: true, value: { kind: 'paid' } } : REFUSED,
      )
    }
  })

  test('for another merchant is refused under either key', async () => {
    for (const key of [OLD, NEW]) {
      expect(await read(newFirst, key, 'MD5', { mch_id: '1900009999' })).toEqual({
        ok: false,
        error: { reason: 'notice_rejected', check: 'merchant' },
      })
    }
  })
})

describe('a notification of a refund', () => {
  const plain = (outRefundNo: string) =>
    `<root><out_trade_no>T20250102000001</out_trade_no><out_refund_no>${outRefundNo}</out_refund_no><refund_status>SUCCESS</refund_status></root>`
  const cipherOf = (key: string) => createHash('md5').update(key, 'utf8').digest('hex')
  function encrypt(text: string, key: string): string {
    const cipher = createCipheriv('aes-256-ecb', cipherOf(key), null)
    return Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
  }
  const read = (keys: Keys, reqInfo: string) => {
    const fields = {
      return_code: 'SUCCESS',
      appid: demoPay.appid,
      mch_id: demoPay.mchId,
      nonce_str: 'a1b2',
      req_info: reqInfo,
    }
    return readNotification(
      { ...demoPay, ...keys },
      Buffer.from(writeXml(new Map(Object.entries(fields)))),
    )
  }

  test.each(phases)('encrypted %s', async (_phase, keys, encryptedWith, isAccepted) => {
    expect((await read(keys, encrypt(plain('R1'), encryptedWith))).ok).toBe(isAccepted)
  })

  test('that the wrong key can also decrypt is read with the right one', async () => {
    const reqInfo = encrypt(plain('R1'), OLD)
    // One key in 256 decrypts it to nonsense. With that key alone it is refused for its content.
    const keys = Array.from(
      { length: 4_000 },
      (_, number) => `DemoV2ApiKey${String(number).padStart(20, '0')}`,
    )
    const colliding: string[] = []
    for (const key of keys) {
      const alone = await read({ key }, reqInfo)
      if (
        key !== OLD &&
        !alone.ok &&
        alone.error.reason === 'notice_rejected' &&
        alone.error.check !== 'signature'
      )
        colliding.push(key)
    }
    expect(colliding.length).toBeGreaterThan(0)
    for (const key of colliding) {
      for (const both of [
        { key, otherKey: OLD },
        { key: OLD, otherKey: key },
      ]) {
        expect(await read(both, reqInfo)).toMatchObject({
          ok: true,
          value: { kind: 'refund', outRefundNo: 'R1' },
        })
      }
    }
  })

  test('with hostile content is refused, whichever key decrypts it', async () => {
    const hostile = `<!DOCTYPE root [<!ENTITY x "y">]>${plain('R1')}`
    for (const key of [OLD, NEW]) {
      expect(await read(newFirst, encrypt(hostile, key))).toEqual({
        ok: false,
        error: { reason: 'notice_rejected', check: 'doctype' },
      })
    }
  })
})

/** A simulated WeChat whose key can change: `account.payKey` is the key in the merchant console. */
const account = {
  appid: demoPay.appid,
  appSecret: 'demo0app0secret00000000000000001',
  mchId: demoPay.mchId,
  payKey: OLD,
  now: () => Date.now(),
}
let wechat: Simulator
let port: Port
beforeAll(async () => {
  wechat = createSimulator(account)
  wechat.issueCode(OPENID)
  port = await listen('127.0.0.1', 0)
  port.serve(new Hono<{ Bindings: HttpBindings }>().route('/', wechat.app))
})
afterAll(async () => {
  await wechat.stop()
  await port.stop()
})

/** One instance of the functions, which remembers the key that WeChat accepted. */
function startInstance(keys: Keys, host = port.url) {
  const lines: LogFields[] = []
  const settings: PaySettings = {
    appid: account.appid,
    mchId: account.mchId,
    signType: 'HMAC-SHA256',
    hosts: [host],
    ...keys,
  }
  const protocol = createV2(
    {
      pay: () => settings,
      certificate: () =>
        loadCertificate(demoCertificate.WECHAT_PAY_CERT, demoCertificate.WECHAT_PAY_CERT_KEY),
    },
    (fields) => void lines.push(fields),
  )
  const ours = () => protocol.gateway(OUR_ACCOUNT)
  return { ours, lines, notifications: protocol.notifications }
}
const requestsTo = (path: string): number =>
  wechat.messageLog.filter(({ direction, url }) => direction === 'in' && url === path).length
/** The number of requests that the work sends to a path. */
async function countRequests(path: string, work: () => Promise<unknown>): Promise<number> {
  const countBefore = requestsTo(path)
  await work()
  return requestsTo(path) - countBefore
}

const OUR_ACCOUNT: Account = {
  appid: account.appid,
  mchId: account.mchId,
  protocol: 'v2',
  sub: null,
}
let count = 0
function newOrder(): OrderTerms {
  count += 1
  return {
    account: OUR_ACCOUNT,
    outTradeNo: must(parseOutTradeNo(`ROTATION-${count}`)),
    openid: OPENID,
    totalFee: fen(2800),
    body: 'latte',
    attach: null,
    items: null,
    clientIp: '203.0.113.7',
    notifyUrl: `${port.url}/unused`,
    createdAt: new Date(Date.now() - 6 * 60_000),
    timeExpire: new Date(Date.now() + 3_600_000),
  }
}
/** Places an order and pays it. Returns the result of the cashier. */
async function placeAndPay(
  { ours }: ReturnType<typeof startInstance>,
  order = newOrder(),
): Promise<string> {
  const placed = must(await ours().placeOrder(order, new Date()))
  if (placed.outcome !== 'placed') throw new Error(placed.outcome)
  return wechat.pay(await ours().signPayment(placed.prepayId, new Date())).errMsg
}
const PAID = 'requestPayment:ok'
const MISCONFIGURED = { ok: false, error: { reason: 'wechat_misconfigured', code: 'SIGNERROR' } }

describe('a call to WeChat', () => {
  test.each([
    ['before WeChat changes, with the new key set first', newFirst, OLD, 2],
    ['before WeChat changes, with the old key set first', oldFirst, OLD, 1],
    ['once WeChat has changed, with the new key set first', newFirst, NEW, 1],
    ['once WeChat has changed, with the old key set first', oldFirst, NEW, 2],
  ])('%s, is accepted, and so is the signed payment', async (_phase, keys, atWechat, sent) => {
    account.payKey = atWechat
    const instance = startInstance(keys)
    expect(
      await countRequests('/pay/unifiedorder', async () =>
        expect(await placeAndPay(instance)).toBe(PAID),
      ),
    ).toBe(sent)
    // The instance remembers which key WeChat accepts.
    expect(
      await countRequests('/pay/unifiedorder', async () =>
        expect(await placeAndPay(instance)).toBe(PAID),
      ),
    ).toBe(1)
  })

  test('of one instance is accepted before and after the change', async () => {
    account.payKey = OLD
    const instance = startInstance(newFirst)
    expect(await placeAndPay(instance)).toBe(PAID)
    account.payKey = NEW
    expect(
      await countRequests('/pay/unifiedorder', async () =>
        expect(await placeAndPay(instance)).toBe(PAID),
      ),
    ).toBe(2)
    expect(
      await countRequests('/pay/unifiedorder', async () =>
        expect(await placeAndPay(instance)).toBe(PAID),
      ),
    ).toBe(1)
    expect(instance.lines).toEqual([
      { event: 'key_changed', detail: 'WECHAT_PAY_KEY_OTHER' },
      { event: 'key_changed', detail: 'WECHAT_PAY_KEY' },
    ])
  })

  test('repeated after the change gives a valid payment in place of one signed with the old key', async () => {
    account.payKey = OLD
    const [{ ours }, order] = [startInstance(newFirst), newOrder()]
    const prepay = async () => {
      const placed = must(await ours().placeOrder(order, new Date()))
      return ours().signPayment(placed.outcome === 'placed' ? placed.prepayId : '', new Date())
    }
    const payment = await prepay()
    account.payKey = NEW
    expect(wechat.pay(payment).errMsg).toBe('requestPayment:fail 支付验证签名失败')
    expect(wechat.pay(await prepay()).errMsg).toBe(PAID)
  })

  const others: readonly (readonly [
    path: string,
    call: (ours: PayGateway, order: OrderTerms) => Promise<unknown>,
    outcome: unknown,
  ])[] = [
    [
      '/pay/orderquery',
      (ours, order) => ours.queryOrder(order),
      { ok: true, value: { state: 'paid' } },
    ],
    ['/pay/closeorder', (ours, order) => ours.closeOrder(order), { ok: true, value: 'paid' }],
    ['/secapi/pay/refund', sendRefund, { ok: true, value: { outcome: 'accepted' } }],
    ['/pay/refundquery', queryRefund, { ok: true, value: { state: 'missing' } }],
    ['/pay/downloadbill', readBill, []],
  ]
  async function sendRefund(ours: PayGateway, order: OrderTerms): Promise<unknown> {
    const { outTradeNo } = order
    const paid = wechat.orders().find((one) => one.outTradeNo === outTradeNo)
    return ours.sendRefund({
      payment: { ...order, transactionId: paid?.payment?.transactionId ?? '' },
      outRefundNo: must(parseOutRefundNo(`R-${outTradeNo}`)),
      outTradeNo,
      refundFee: fen(50),
      refundDesc: null,
      refundStatus: 'PROCESSING',
      refundId: null,
      errCode: null,
      errText: null,
      waitingSince: new Date(),
      isParked: false,
      payoutRequestedAt: null,
    })
  }
  async function queryRefund(ours: PayGateway, order: OrderTerms): Promise<unknown> {
    return ours.queryRefund({
      outRefundNo: must(parseOutRefundNo(`NONE-${order.outTradeNo}`)),
      payment: { ...order, transactionId: '' },
    })
  }
  async function readBill(ours: PayGateway): Promise<unknown> {
    const rows: BillRow[] = []
    const day = new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10)
    for await (const batch of ours.readBill(must(parseDay(day)), 5_000)) rows.push(...must(batch))
    return rows
  }

  test.each(others)('to %s is made in every phase', async (path, call, outcome) => {
    for (const [keys, atWechat, sent] of [
      [before, OLD, 1],
      [newFirst, OLD, 2],
      [newFirst, NEW, 1],
      [after, NEW, 1],
    ] as const) {
      account.payKey = atWechat
      const order = newOrder()
      expect(await placeAndPay(startInstance({ key: atWechat }), order)).toBe(PAID)
      const { ours } = startInstance(keys)
      expect(
        await countRequests(path, async () =>
          expect(await call(ours(), order)).toMatchObject(Object(outcome)),
        ),
      ).toBe(sent)
    }
  })

  test.each([
    ['with one key, which is not WeChat’s', before, 1],
    ['with two keys, neither of them WeChat’s', newFirst, 2],
  ])('%s, is refused', async (_name, keys, sent) => {
    account.payKey = THIRD
    const { ours, lines } = startInstance(keys)
    const refused = async () =>
      expect(await ours().placeOrder(newOrder(), new Date())).toMatchObject(MISCONFIGURED)
    expect(await countRequests('/pay/unifiedorder', refused)).toBe(sent)
    const { paySign, ...payment } = await ours().signPayment('wx1', new Date())
    expect(verify(new Map([...Object.entries(payment), ['sign', paySign]]), keys.key)).toBe(
      'HMAC-SHA256',
    )
    expect(lines).toEqual([])
  })

  test('that is refused for another reason is not repeated with the other key', async () => {
    account.payKey = NEW
    wechat.misbehave({ on: 'unifiedorder', do: 'err-code', errCode: 'NOAUTH', times: 1 })
    const { ours } = startInstance(newFirst)
    expect(
      await countRequests('/pay/unifiedorder', () => ours().placeOrder(newOrder(), new Date())),
    ).toBe(1)
  })

  test('whose answer is signed with neither key is refused', async () => {
    account.payKey = NEW
    wechat.misbehave({ on: 'orderquery', do: 'wrong-key', times: 1 })
    expect(await startInstance(newFirst).ours().queryOrder(newOrder())).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'signature' },
    })
  })
})

describe('when WeChat refuses a key', () => {
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  })
  /** Answers each message, or stalls if `answer` returns null. */
  async function openHost(
    answer: (message: Uint8Array) => Promise<string | null>,
  ): Promise<string> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on(
        'end',
        () =>
          void answer(Buffer.concat(parts)).then((text) =>
            text === null ? undefined : response.end(text),
          ),
      )
    })
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
  }
  const signedAnswer = (fields: Record<string, string>) =>
    writeXml(
      signed(
        new Map(
          Object.entries({
            return_code: 'SUCCESS',
            appid: account.appid,
            mch_id: account.mchId,
            nonce_str: 'a1',
            ...fields,
          }),
        ),
        NEW,
        'HMAC-SHA256',
      ),
    )
  const isNew = async (message: Uint8Array) => verify(must(await readXml(message)), NEW) !== null
  const queryAt = (host: string) =>
    startInstance(oldFirst, host)
      .ours()
      .queryOrder({ ...newOrder(), outTradeNo: must(parseOutTradeNo('ROTATION-X')) })

  test('with a signed code, the call is repeated with the other key', async () => {
    const host = await openHost(async (message) =>
      (await isNew(message))
        ? signedAnswer({
            result_code: 'SUCCESS',
            out_trade_no: 'ROTATION-X',
            trade_state: 'NOTPAY',
          })
        : signedAnswer({ result_code: 'FAIL', err_code: 'SIGNERROR' }),
    )
    expect(await queryAt(host)).toEqual({ ok: true, value: { state: 'open' } })
  })

  test('and then stalls, the call ends with its request, and its outcome is unknown', async () => {
    const UNSIGNED = '<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>'
    const host = await openHost(async (message) => ((await isNew(message)) ? null : UNSIGNED))
    const ended: number[] = []
    const queryFor = async (limitMs: number) => {
      const request = { requestId: 'r', function: undefined }
      const answer = await withRequest(request, limitMs, () => queryAt(host))
      ended.push(limitMs)
      return answer
    }
    const unknown = {
      ok: false,
      error: { reason: 'wechat_unknown', silence: { why: 'timeout' } },
    }
    expect(await Promise.all([queryFor(2_500), queryFor(500)])).toEqual([unknown, unknown])
    expect(ended).toEqual([500, 2_500])
  })
})

describe('a shop whose key changes during sales', () => {
  let shop: Shop
  let lines: readonly string[]
  beforeAll(async () => {
    shop = await openShop({
      WECHAT_PAY_URL: port.url,
      WECHAT_PAY_KEY: NEW,
      WECHAT_PAY_KEY_OTHER: OLD,
      ...demoCertificate,
    })
    lines = listenToLog()
  })
  afterAll(() => shop.close())

  const order = async () => {
    const token = await shop.logIn(OPENID)
    return { token, outTradeNo: await shop.placeOrder(token) }
  }
  type Placed = Awaited<ReturnType<typeof order>>
  const prepay = async ({ token, outTradeNo }: Placed) =>
    toPayment(await shop.prepay(token, outTradeNo))
  const stateOf = async ({ outTradeNo }: Placed) =>
    (
      await shop.sql('select trade_state as state from orders where out_trade_no = $1', [
        outTradeNo,
      ])
    )[0]?.['state']
  /**
   * Delivers WeChat's notifications signed with this key. Returns whether the order's was
   * acknowledged.
   */
  async function notifyWith(
    signedWith: string,
    { outTradeNo }: Placed,
  ): Promise<boolean | undefined> {
    const current = account.payKey
    account.payKey = signedWith
    await wechat.tick()
    account.payKey = current
    await shop.world.settled()
    return wechat.notifications().findLast((notification) => notification.outTradeNo === outTradeNo)
      ?.acknowledged
  }

  test('accepts payments before, during and after the change, and logs no key', async () => {
    account.payKey = OLD
    const [first, second] = [await order(), await order()]
    expect(wechat.pay(await prepay(first)).errMsg).toBe(PAID)
    expect([await notifyWith(OLD, first), await stateOf(first)]).toEqual([true, 'SUCCESS'])

    // The payment was signed before the key changed.
    const payment = await prepay(second)
    account.payKey = NEW
    expect(wechat.pay(payment).errMsg).toBe('requestPayment:fail 支付验证签名失败')
    expect(wechat.pay(await prepay(second)).errMsg).toBe(PAID)
    // A late notification that was signed before the change.
    expect([await notifyWith(OLD, second), await stateOf(second)]).toEqual([true, 'SUCCESS'])

    const third = await order()
    expect(wechat.pay(await prepay(third)).errMsg).toBe(PAID)
    expect([await notifyWith(NEW, third), await stateOf(third)]).toEqual([true, 'SUCCESS'])

    const body = { outTradeNo: third.outTradeNo, outRefundNo: 'ROTATION-R', refundFee: 2800 }
    expect((await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })).status).toBe(
      202,
    )
    shop.advance(3_000)
    expect([await notifyWith(OLD, third), await stateOf(third)]).toEqual([true, 'REFUND'])

    const log = lines.join('\n')
    expect([log.includes('key_changed'), log.includes(OLD), log.includes(NEW)]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('accepts nothing signed with a third key', async () => {
    account.payKey = NEW
    const placed = await order()
    expect(wechat.pay(await prepay(placed)).errMsg).toBe(PAID)
    expect([await notifyWith(THIRD, placed), await stateOf(placed)]).toEqual([false, 'NOTPAY'])
  })
})
