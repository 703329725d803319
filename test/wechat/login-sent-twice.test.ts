/** A login whose kept connection was closed, and that is therefore sent twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logIn } from '../../lib/wechat/login.ts'
import { openPeer, trustPeers } from '../support/tls-peer.ts'

let distrust: () => void
beforeAll(() => void (distrust = trustPeers()))
afterAll(() => distrust())

const SESSION = '{"openid":"oLoginSentTwice0000000000001","session_key":"bm8gcmVhbCBrZXkhISEhIQ=="}'
const CODE_USED = '{"errcode":40163,"errmsg":"code been used"}'

/** Ends the connection of the second request, and answers the third with `last`. */
async function logInTwice(last: string) {
  const peer = await openPeer((request, response) => {
    if (peer.requests() === 2) peer.endOf(request, 'reset')
    else response.end(peer.requests() === 1 ? SESSION : last)
  })
  const settings = { appid: 'wx00000000demo0001', secret: 's'.repeat(32), host: peer.url }
  await logIn(settings, { code: 'first' })
  const answer = await logIn(settings, { code: 'second' })
  expect(peer.requests()).toBe(3)
  await peer.stop()
  return answer
}

test('succeeds if WeChat received one copy', async () => {
  expect(await logInTwice(SESSION)).toMatchObject({ ok: true })
})

test('is unknown, and not refused, if WeChat received both copies', async () => {
  expect(await logInTwice(CODE_USED)).toEqual({ ok: false, error: { reason: 'wechat_unknown' } })
})
