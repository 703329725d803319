/** Which protocols an instance has, and which one an order or a message goes to. */
import { expect, test } from 'vitest'
import { demoValues } from '../../dev/world/demo-values.ts'
import { createInstance } from '../../lib/composition.ts'
import { sealed, signedHeaders } from '../support/v3-keys.ts'
import { SHOP_KEY_ID, v3Variables } from '../support/v3-variables.ts'
import { openOrder } from '../support/latte.ts'

const { WECHAT_PAY_KEY, ...app } = demoValues
const v3 = { ...app, ...v3Variables() }
const v2 = { ...app, WECHAT_PAY_KEY }

/** The API of the account of new orders, and what refunds under each API lack. */
async function settingsOf(env: Record<string, string | undefined>) {
  const { account, gateway } = createInstance(env).deps
  const lacks = async (protocol: string) => {
    const checked = await gateway({ ...account, protocol }).checkRefundSettings()
    return checked.ok ? null : checked.error
  }
  return [account.protocol, await lacks('v2'), await lacks('v3')]
}
const noSettings = (protocol: string): unknown =>
  expect.objectContaining({
    reason: 'not_configured',
    fault: expect.stringContaining(`has no settings for API ${protocol}`),
  })
const noCertificate = { reason: 'not_configured', variable: 'WECHAT_PAY_CERT', fault: 'is not set' }

test('a shop of v2 has no v3: an order of v3 waits for its settings', async () => {
  expect(await settingsOf(v2)).toEqual(['v2', noCertificate, noSettings('v3')])
})

test('a shop of v3 has no v2: an order of v2 waits for its settings', async () => {
  const { WECHAT_PAY_API: _, ...unnamed } = v3
  for (const env of [v3, unnamed])
    expect(await settingsOf(env)).toEqual(['v3', noSettings('v2'), null])
})

test('a shop with both finishes the orders of each, and places new ones where it says', async () => {
  const both = { ...v3, WECHAT_PAY_KEY }
  for (const [named, protocol] of [
    ['v3', 'v3'],
    ['v2', 'v2'],
    ['', 'v2'],
  ])
    expect((await settingsOf({ ...both, WECHAT_PAY_API: named }))[0]).toBe(protocol)
})

test('a missing setting of v3 is named at the first call', async () => {
  const { deps } = createInstance({ ...v3, WECHAT_PAY_CERT: '' })
  await expect(deps.gateway(deps.account).queryOrder(openOrder)).rejects.toMatchObject({
    variable: 'WECHAT_PAY_CERT',
    message: 'WECHAT_PAY_CERT is not set',
  })
})

test('the argument of wx.requestPayment is signed with RSA under v3', async () => {
  const { deps } = createInstance(v3)
  const gateway = deps.gateway(deps.account)
  expect(await gateway.signPayment('wx123', new Date())).toMatchObject({
    appId: 'wx00000000demo0001',
    package: 'prepay_id=wx123',
    signType: 'RSA',
  })
})

/** A notification that a payment of v3 was made, signed now. */
function notification() {
  const payment = {
    appid: app.WECHAT_APPID,
    mchid: v3.WECHAT_MCH_ID,
    out_trade_no: openOrder.outTradeNo,
    transaction_id: '4200002500202501020000000001',
    trade_type: 'JSAPI',
    trade_state: 'SUCCESS',
    trade_state_desc: 'paid',
    bank_type: 'OTHERS',
    attach: '',
    success_time: '2025-01-02T03:05:01+08:00',
    payer: { openid: openOrder.openid },
    amount: { total: 101, payer_total: 101, currency: 'CNY', payer_currency: 'CNY' },
  }
  const body = JSON.stringify({
    id: 'EV-2025010203050200001',
    create_time: '2025-01-02T03:05:02+08:00',
    resource_type: 'encrypt-resource',
    event_type: 'TRANSACTION.SUCCESS',
    summary: 'paid',
    resource: {
      original_type: 'transaction',
      ...sealed(JSON.stringify(payment), { apiKey: v3.WECHAT_PAY_V3_KEY }),
    },
  })
  const headers = new Headers(signedHeaders(body, new Date(), { serial: SHOP_KEY_ID }))
  return { headers, query: new URLSearchParams(), bytes: Buffer.from(body) }
}

const xml = {
  headers: new Headers({ 'content-type': 'text/xml' }),
  query: new URLSearchParams(),
  bytes: Buffer.from('<xml><return_code>SUCCESS</return_code></xml>'),
}
const ask = async (env: Record<string, string>, message: typeof xml) => {
  const { notifications } = createInstance(env).deps
  const read = await notifications.read(message)
  return {
    read: read.ok ? read.value.kind : read.error.reason,
    contentType: (await notifications.acknowledge(message, read)).contentType,
  }
}
const JSON_TYPE = 'application/json; charset=utf-8'

test('a notification is read and answered in its own form, by the protocol that is configured', async () => {
  const message = notification()
  const rejected = 'notice_rejected'
  expect(await ask(v3, message)).toEqual({ read: 'paid', contentType: JSON_TYPE })
  expect(await ask({ ...v3, WECHAT_PAY_KEY }, message)).toEqual({
    read: 'paid',
    contentType: JSON_TYPE,
  })
  expect(await ask({ ...v3, WECHAT_PAY_KEY }, xml)).toMatchObject({ read: rejected })
  expect((await ask({ ...v3, WECHAT_PAY_KEY }, xml)).contentType).toContain('xml')
  expect((await ask(v2, message)).contentType).toContain('xml')
  expect(await ask(v3, xml)).toEqual({ read: rejected, contentType: JSON_TYPE })
})
