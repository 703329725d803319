/** Calls of WeChat's Mini Program API, over real TLS. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { getOrder } from '../../lib/wechat/get-order.ts'
import { isTradeManaged } from '../../lib/wechat/is-trade-managed.ts'
import type { MiniProgramSettings } from '../../lib/wechat/login.ts'
import { reportReceipt } from '../../lib/wechat/report-receipt.ts'
import { fetchAccessToken, uploadShipping } from '../../lib/wechat/shipping.ts'
import { paidOrder } from '../support/latte.ts'
import { openPeer, trustPeers, type Answer, type Peer } from '../support/tls-peer.ts'

let distrust: () => void
beforeAll(() => void (distrust = trustPeers()))
afterAll(() => distrust())

const open: Peer[] = []
afterEach(() => Promise.all(open.splice(0).map((peer) => peer.stop())))

async function settingsFor(answer: Answer) {
  const peer = await openPeer(answer)
  open.push(peer)
  const settings = { appid: 'wx00000000demo0001', secret: 's'.repeat(32), host: peer.url }
  return { peer, settings }
}

const TOKEN = 'an-access-token'
const AT = new Date('2025-01-02T03:04:05Z')
const PARCELS = [{ itemDesc: 'Latte' }]
const report = {
  logisticsType: 'virtual',
  parcels: PARCELS,
  missing: PARCELS,
  isSplit: false,
  isAllDelivered: true,
  uploadedAt: null,
} as const

type Call = (settings: MiniProgramSettings) => Promise<unknown>
const calls = {
  stable_token: (settings) => fetchAccessToken(settings),
  is_trade_managed: (settings) => isTradeManaged(settings, TOKEN),
  get_order: (settings) => getOrder(settings, TOKEN, paidOrder),
  notify_confirm_receive: (settings) => reportReceipt(settings, TOKEN, paidOrder, AT),
  upload_shipping_info: (settings) => uploadShipping(settings, TOKEN, report, paidOrder, AT),
} as const satisfies Record<string, Call>

describe('a call whose kept connection was closed', () => {
  /** Ends the connection of the second request. Returns how many requests arrived. */
  async function requestsOf(call: Call): Promise<number> {
    const { peer, settings } = await settingsFor((request, response) => {
      if (peer.requests() === 2) peer.endOf(request, 'reset')
      else response.end('{"errcode":0}')
    })
    await call(settings)
    await call(settings)
    return peer.requests()
  }

  test.each(['stable_token', 'is_trade_managed', 'get_order', 'notify_confirm_receive'] as const)(
    'is repeated, because a second copy is harmless: %s',
    async (name) => {
      expect(await requestsOf(calls[name])).toBe(3)
    },
  )

  test('is not repeated if a second copy could use up the one correction', async () => {
    expect(await requestsOf(calls.upload_shipping_info)).toBe(2)
  })
})

describe('whether the trade is managed', () => {
  test.each([
    ['{"errcode":0,"is_trade_managed":true}', { outcome: 'known', isManaged: true }],
    ['{"errcode":0,"is_trade_managed":false}', { outcome: 'known', isManaged: false }],
    ['{"errcode":40001,"errmsg":"x"}', { outcome: 'token_refused', code: '40001', text: 'x' }],
  ])('is read from %s', async (body, value) => {
    const { settings } = await settingsFor((_, response) => void response.end(body))
    expect(await isTradeManaged(settings, TOKEN)).toEqual({ ok: true, value })
  })

  test('is unknown without the field', async () => {
    const { settings } = await settingsFor((_, response) => void response.end('{"errcode":0}'))
    expect(await isTradeManaged(settings, TOKEN)).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'content' },
    })
  })
})
