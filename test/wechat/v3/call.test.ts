/** One call over APIv3: what is sent, and which answers are accepted. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../../lib/core/failure.ts'
import { call, type CallSettings } from '../../../lib/wechat/v3/call.ts'
import type { CallKind } from '../../../lib/wechat/v3/codes.ts'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import {
  AT,
  isSigned,
  openHost,
  reply,
  unsigned,
  type Host,
  type Reply,
} from '../../support/v3-host.ts'
import { demoV3, PUBLIC_KEY_ID } from '../../support/v3-keys.ts'

let host: Host
let standBy: Host
beforeAll(async () => {
  host = await openHost(() => 'reset')
  standBy = await openHost(() => 'reset')
})
beforeEach(() => {
  for (const one of [host, standBy]) one.received.length = 0
  standBy.behave = () => reply(200, { from: 'stand-by' })
})
afterAll(async () => {
  await Promise.all([host.close(), standBy.close()])
})

const settingsAt = (...[first, ...others]: [string, ...string[]]): CallSettings => ({
  ...demoV3,
  hosts: [first, ...others],
  newNonce: () => '593BEC0C930BF1AFEB40B4A08C8FB242',
  now: () => AT,
  keys: configuredKeys(demoV3),
})
const TARGET = '/v3/pay/transactions/out-trade-no/A%7CB*1?mchid=1900000109'
const get = (kind: CallKind = 'query') =>
  call(settingsAt(host.url, standBy.url), kind, { name: 'test', target: TARGET })
const answerTo = (answer: Reply, kind?: CallKind) => {
  host.behave = () => answer
  return get(kind)
}
const untrusted = (check: string) => ({ ok: false, error: { reason: 'wechat_untrusted', check } })
const refusal = (code: string, message = '', field?: string) => ({
  code,
  message,
  ...(field === undefined ? {} : { detail: { field, value: '', issue: '', location: 'body' } }),
})

describe('a request', () => {
  test('of a query is signed over its target, and has the headers that WeChat demands', async () => {
    await answerTo(reply(200, {}))
    const [received] = host.received
    expect(received && isSigned(received)).toBe(true)
    expect(received).toMatchObject({
      method: 'GET',
      target: TARGET,
      body: '',
      headers: {
        accept: 'application/json',
        'user-agent': 'wechat-pay-functions',
        'wechatpay-serial': PUBLIC_KEY_ID,
      },
    })
    expect(received?.headers).not.toHaveProperty('content-type')
  })

  test('with content is a POST, signed over the bytes of its JSON', async () => {
    host.behave = () => reply(204, null)
    const content = { description: '拿铁', amount: { total: 2800 } }
    const target = '/v3/pay/transactions/jsapi'
    await call(settingsAt(host.url), 'place', { name: 'test', target, content })
    const [received] = host.received
    expect(received && isSigned(received)).toBe(true)
    expect(received).toMatchObject({
      method: 'POST',
      body: JSON.stringify(content),
      headers: { 'content-type': 'application/json' },
    })
  })

  test('names no serial while none is known', async () => {
    host.behave = () => reply(200, {})
    const keys = { find: async () => null, current: async () => null, replace: async () => null }
    await call({ ...settingsAt(host.url), keys }, 'query', { name: 'test', target: TARGET })
    expect(host.received[0]?.headers).not.toHaveProperty('wechatpay-serial')
  })

  test('fails with the error of a faulty key source, which is not a fault of the configuration', async () => {
    const keys = {
      find: async () => null,
      current: () => Promise.reject(new Error('a bug')),
      replace: async () => null,
    }
    const settings = { ...settingsAt(host.url), keys }
    await expect(call(settings, 'query', { name: 'test', target: TARGET })).rejects.toThrow('a bug')
  })

  test('is not sent if a key source names a variable that is missing', async () => {
    const keys = {
      find: async () => null,
      current: () => Promise.reject(new ConfigError('WECHAT_PAY_PUBLIC_KEY', 'is not set')),
      replace: async () => null,
    }
    const settings = { ...settingsAt(host.url), keys }
    expect(await call(settings, 'query', { name: 'test', target: TARGET })).toEqual({
      ok: false,
      error: { reason: 'not_configured', variable: 'WECHAT_PAY_PUBLIC_KEY', fault: 'is not set' },
    })
    expect(host.received).toEqual([])
  })
})

test('a call whose public key WeChat does not know is not repeated', async () => {
  const answer = await answerTo(reply(400, refusal('PARAM_ERROR', '', 'Wechatpay-Serial')))
  expect(answer).toMatchObject({ ok: false, error: { reason: 'wechat_misconfigured' } })
  expect(host.received).toHaveLength(1)
})

describe('a call whose certificate WeChat refuses', () => {
  const REFUSED = reply(400, refusal('PARAM_ERROR', '', 'Wechatpay-Serial'))
  let asked: string[] = []
  beforeEach(() => {
    asked = []
  })
  const callWith = (successor: string | null, refused: Reply) => {
    let isFirst = true
    host.behave = () => {
      const answer = isFirst ? refused : reply(200, { a: 1 })
      isFirst = false
      return answer
    }
    const keys = {
      ...configuredKeys(demoV3),
      current: async () => '71A0000000000000000000000000000000000001',
      replace: async (serial: string) => {
        asked.push(serial)
        return successor
      },
    }
    const settings = { ...settingsAt(host.url), keys }
    return call(settings, 'query', { name: 'test', target: TARGET })
  }
  const serials = () => host.received.map(({ headers }) => headers['wechatpay-serial'])

  test.each([
    ['signed', REFUSED],
    ['unsigned', unsigned(400, refusal('PARAM_ERROR', '平台证书序列号Wechatpay-Serial错误'))],
    ['with another status', unsigned(401, refusal('SIGN_ERROR', '', 'Wechatpay-Serial'))],
  ])('(%s) is repeated once with its successor', async (_how, refused) => {
    const successor = '71A0000000000000000000000000000000000002'
    expect(await callWith(successor, refused)).toMatchObject({ ok: true })
    expect(serials()).toEqual(['71A0000000000000000000000000000000000001', successor])
    expect(asked).toEqual(['71A0000000000000000000000000000000000001'])
  })

  test('is not repeated without a successor', async () => {
    expect(await callWith(null, REFUSED)).toMatchObject({
      ok: false,
      error: { reason: 'wechat_misconfigured' },
    })
    expect([host.received.length, asked.length]).toEqual([1, 1])
  })

  test.each([
    ['another field', reply(400, refusal('PARAM_ERROR', '', '/payer/openid'))],
    ['no code', reply(400, { message: 'Wechatpay-Serial' })],
    ['a success', reply(200, refusal('PARAM_ERROR', 'Wechatpay-Serial'))],
    ['no JSON', unsigned(400, '<html>Wechatpay-Serial</html>')],
  ])('is not what an answer with %s says', async (_what, answer) => {
    await callWith('71A0000000000000000000000000000000000002', answer)
    expect([host.received.length, asked.length]).toEqual([1, 0])
  })
})

describe('an answer is accepted', () => {
  test.each([200, 201, 202])('with status %i and JSON', async (status) => {
    expect(await answerTo(reply(status, { a: 1 }))).toEqual({
      ok: true,
      value: { kind: 'success', json: { a: 1 } },
    })
  })

  test('with status 204 and no body', async () => {
    expect(await answerTo(reply(204, null))).toEqual({
      ok: true,
      value: { kind: 'success', json: null },
    })
  })

  test.each([-299, 299])('that is %i seconds old', async (seconds) => {
    const at = new Date(AT.getTime() - seconds * 1000)
    expect(await answerTo(reply(200, {}, { at }))).toMatchObject({ ok: true })
  })

  test('without a signature type', async () => {
    const { 'Wechatpay-Signature-Type': _, ...headers } = reply(200, {}).headers
    expect(await answerTo({ ...reply(200, {}), headers })).toMatchObject({ ok: true })
  })
})

const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const good = reply(200, { trade_state: 'NOTPAY' })
const forgeries: Readonly<Record<string, readonly [Reply, string]>> = {
  'without a signature': [unsigned(200, { trade_state: 'SUCCESS' }), 'signature'],
  'without a signature and a body': [unsigned(204, ''), 'signature'],
  'with a changed byte': [{ ...good, body: '{"trade_state":"NOTPAZ"}' }, 'signature'],
  'with an added line feed': [{ ...good, body: `${String(good.body)}\n` }, 'signature'],
  'signed with another key': [reply(200, {}, { key: other.privateKey }), 'signature'],
  'with an unknown serial': [reply(200, {}, { serial: 'PUB_KEY_ID_0' }), 'serial'],
  'that is 300 seconds old': [reply(200, {}, { at: new Date(AT.getTime() - 300_000) }), 'time'],
  'from 300 seconds ahead': [reply(200, {}, { at: new Date(AT.getTime() + 300_000) }), 'time'],
  'with another signature type': [
    {
      ...good,
      headers: { ...good.headers, 'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3' },
    },
    'signature',
  ],
  'with the signature of a probe': [
    { ...good, headers: { ...good.headers, 'Wechatpay-Signature': 'WECHATPAY/SIGNTEST/abc' } },
    'signature',
  ],
  'that refuses, with a forged signature': [
    reply(404, refusal('ORDER_NOT_EXIST'), { key: other.privateKey }),
    'signature',
  ],
  'that blames our signature, with a forged one': [
    reply(401, refusal('SIGN_ERROR'), { key: other.privateKey }),
    'signature',
  ],
  'that refuses without a signature': [unsigned(404, refusal('ORDER_NOT_EXIST')), 'signature'],
  'that says paid without a signature': [unsigned(400, refusal('ORDER_PAID')), 'signature'],
  'that refuses a parameter without a signature': [
    unsigned(400, refusal('PARAM_ERROR')),
    'signature',
  ],
  'that is a page of a proxy': [unsigned(403, '<html>no</html>'), 'signature'],
  'that redirects': [unsigned(302, ''), 'signature'],
  'that is signed and neither a success nor a refusal': [reply(300, {}), 'content'],
  'that is signed and not JSON': [reply(200, 'OK'), 'syntax'],
  'that is a signed refusal without a code': [reply(400, { message: 'no' }), 'content'],
}
test.each(Object.entries(forgeries))(
  'an answer %s is not accepted',
  async (_what, [answer, check]) => {
    expect(await answerTo(answer)).toEqual(untrusted(check))
    expect(standBy.received).toEqual([])
  },
)

describe('an unsigned refusal names a fault of the configuration', () => {
  test.each([
    [401, 'SIGN_ERROR', 'SIGN_ERROR', 'WECHAT_PAY_CERT_KEY'],
    [401, 'SOMETHING_NEW', 'SIGN_ERROR', 'WECHAT_PAY_CERT_KEY'],
    [403, 'NO_AUTH', 'NO_AUTH', 'Product Center'],
    [400, 'MCH_NOT_EXISTS', 'MCH_NOT_EXISTS', 'WECHAT_MCH_ID'],
    [400, 'APPID_MCHID_NOT_MATCH', 'APPID_MCHID_NOT_MATCH', 'bind'],
  ])('%i %s is %s, with the remedy %s', async (status, code, named, remedy) => {
    expect(await answerTo(unsigned(status, refusal(code, '签名错误')))).toEqual({
      ok: false,
      error: {
        reason: 'wechat_misconfigured',
        code: named,
        remedy: expect.stringContaining(remedy),
        text: '签名错误',
      },
    })
  })
})

describe('the outcome is not decided', () => {
  test.each([
    ['signed', reply(429, refusal('FREQUENCY_LIMITED'))],
    ['unsigned', unsigned(429, refusal('RATELIMIT_EXCEEDED'))],
    ['without JSON', unsigned(429, 'slow down')],
  ])('by 429, %s: WeChat is busy', async (_how, answer) => {
    expect(await answerTo(answer)).toEqual({ ok: false, error: { reason: 'wechat_busy' } })
  })

  test.each([
    [202, 'USERPAYING'],
    [400, 'SYSTEM_ERROR'],
    [403, 'A_CODE_OF_TOMORROW'],
    [404, 'RESOURCE_NOT_EXISTS'],
  ])('by %i %s', async (status, code) => {
    expect(await answerTo(reply(status, refusal(code)))).toEqual({
      ok: false,
      error: { reason: 'wechat_unknown', silence: { why: 'server', code } },
    })
  })
})

describe('the stand-by host gets the same request', () => {
  test.each([
    ['resets the connection', () => 'reset' as const],
    ['answers 500, signed', () => reply(500, refusal('SYSTEM_ERROR'))],
    ['answers 502, unsigned', () => unsigned(502, '<html></html>')],
    ['answers 503', () => unsigned(503, refusal('SERVICE_UNAVAILABLE'))],
    ['answers more than the size limit', () => reply(200, { a: 'x'.repeat(70_000) })],
    ['never answers', () => 'stall' as const],
  ])('if the first %s', async (_what, behave) => {
    host.behave = behave
    expect(await get()).toEqual({
      ok: true,
      value: { kind: 'success', json: { from: 'stand-by' } },
    })
    const sentBy = ({ method, target, body, headers }: Host['received'][number]) => ({
      method,
      target,
      body,
      authorization: headers.authorization,
    })
    // A kept connection that is reset gets the request once more before the stand-by host does.
    expect(standBy.received.map(sentBy)).toEqual(host.received.slice(-1).map(sentBy))
    expect(standBy.received.every(isSigned)).toBe(true)
  })

  test('unless the message would have its effect twice', async () => {
    host.behave = () => 'reset'
    const content = { name: 'test', target: TARGET, content: {}, isRepeatHarmful: true }
    expect(await call(settingsAt(host.url, standBy.url), 'complaint', content)).toEqual({
      ok: false,
      error: { reason: 'wechat_unknown', silence: { why: 'network', code: 'ECONNRESET' } },
    })
    expect(standBy.received).toEqual([])
  })

  test('and if neither answers, the outcome is unknown', async () => {
    host.behave = () => 'reset'
    standBy.behave = () => unsigned(503, '')
    expect(await get()).toEqual({
      ok: false,
      error: { reason: 'wechat_unknown', silence: { why: 'server', code: '503' } },
    })
  })
})
