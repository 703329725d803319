/**
 * Refunds over a connection that requires a client certificate, as WeChat does.
 *
 * The files in `test/fixtures/tls` were made with openssl, are valid for a hundred years and use
 * prime256v1. They are an authority (`openssl req -x509 -days 36500`, CA:TRUE, its key deleted),
 * and a server certificate for IP:127.0.0.1 and a client certificate that it signed (`openssl x509
 * -req -CA ca.pem -days 36500`). The foreign certificate is the self-signed one of the demo.
 */
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { demoCertificate } from '../../../dev/world/demo-values.ts'
import { listenTls, type TlsPort } from '../../../dev/wechat/listen-tls.ts'
import { parseOutRefundNo, parseOutTradeNo } from '../../../lib/core/ids.ts'
import { toFen } from '../../../lib/core/money.ts'
import { loadCertificate, type Certificate } from '../../../lib/http-client/request.ts'
import type { Deps } from '../../../lib/ports.ts'
import { refund } from '../../../lib/steps/request-refund.ts'
import type { PaySettings } from '../../../lib/wechat/v2/keys.ts'
import { createRefundCalls } from '../../../lib/wechat/v2/refund.ts'
import { createV2 } from '../../../lib/wechat/v2/v2.ts'
import { withGateway } from '../../support/with-gateway.ts'
import { createInstance } from '../../../lib/composition.ts'
import { must } from '../../support/must.ts'
import { openShop, type Shop } from '../../support/shop.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

let shop: Shop
let deps: Deps
let wechat: TlsPort
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = { ...createInstance(process.env).deps }
  wechat = await listenTls(shop.wechat, {
    key: pem('server.key'),
    cert: pem('server'),
    ca: pem('ca'),
  })
})
afterAll(async () => {
  await wechat.stop()
  await shop.close()
})

/** Node's default authorities, with that of WeChat. During the tests the test's own is added. */
const known = getCACertificates()
beforeEach(() => setDefaultCACertificates([...known, pem('ca')]))
afterEach(() => setDefaultCACertificates(known))

let count = 0
/**
 * Pays an order and refunds 1000 fen of it over a connection with this certificate or with none.
 */
async function refundWith(certificate?: Certificate) {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  const { WECHAT_APPID: appid, WECHAT_MCH_ID: mchId, WECHAT_PAY_KEY: key } = shop.world.env
  const plain: PaySettings = { appid, mchId, key, signType: 'HMAC-SHA256', hosts: [wechat.url] }
  const bare = { ...plain, newNonce: () => 'ibuaiVcKdpRxkhJA' }
  const { sendRefund } =
    certificate === undefined
      ? createRefundCalls(bare, () => ({ ok: true, value: bare }))
      : createV2({ pay: () => plain, certificate: () => certificate }, () => undefined).gateway(
          deps.account,
        )
  const outRefundNo = must(parseOutRefundNo(`R-TLS-${(count += 1)}`))
  const asked = {
    outTradeNo: must(parseOutTradeNo(outTradeNo)),
    outRefundNo,
    refundFee: must(toFen(1000)),
  }
  const answer = await refund(
    withGateway(deps, () => ({ sendRefund })),
    asked,
  )
  return { answer, outRefundNo }
}
const rowOf = async (outRefundNo: string) =>
  (
    await shop.sql(
      `select refund_status as status, o.claimed_fee as claimed, o.refunded_fee as refunded
       from refunds join orders o using (out_trade_no) where out_refund_no = $1`,
      [outRefundNo],
    )
  )[0]

describe('when WeChat requires the merchant’s certificate', () => {
  test('a refund with it is accepted', async () => {
    const { answer } = await refundWith(loadCertificate(pem('client'), pem('client.key')))
    expect(answer).toMatchObject({
      ok: true,
      value: { refundStatus: 'PROCESSING', refundId: expect.stringMatching(/^\d{29}$/) },
    })
  })

  test('several refunds share one connection', async () => {
    const certificate = loadCertificate(pem('client'), pem('client.key'))
    const answers = [await refundWith(certificate), await refundWith(certificate)]
    expect(answers.map(({ answer }) => answer.ok)).toEqual([true, true])
  })

  async function expectMadeByCron(
    { answer, outRefundNo }: Awaited<ReturnType<typeof refundWith>>,
    why: string,
  ): Promise<void> {
    expect(answer).toEqual({
      ok: false,
      error: { reason: 'wechat_unknown', silence: { why, code: expect.any(String) } },
    })
    expect(await rowOf(outRefundNo)).toEqual({ status: 'PROCESSING', claimed: 1000, refunded: 0 })
    expect(shop.wechat.refunds().filter((made) => made.outRefundNo === outRefundNo)).toEqual([])
    for (let again = 0; again < 2; again += 1) {
      shop.advance(60_000)
      await shop.cron()
    }
    expect(await rowOf(outRefundNo)).toEqual({ status: 'SUCCESS', claimed: 1000, refunded: 1000 })
  }

  test('a refund without one fails in the handshake, keeps its claim, and is made by cron once it is corrected', async () => {
    await expectMadeByCron(await refundWith(), 'tls')
  })

  test('a refund with another certificate fails in the handshake, too', async () => {
    await expectMadeByCron(
      await refundWith(
        loadCertificate(demoCertificate.WECHAT_PAY_CERT, demoCertificate.WECHAT_PAY_CERT_KEY),
      ),
      'network',
    )
  })

  test('a refund to a server with an untrusted certificate fails in the handshake, too', async () => {
    setDefaultCACertificates(known)
    await expectMadeByCron(
      await refundWith(loadCertificate(pem('client'), pem('client.key'))),
      'tls',
    )
  })
})
