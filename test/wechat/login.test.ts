/** The Mini Program's login, with recorded answers of WeChat. */
import { createCipheriv } from 'node:crypto'
import https from 'node:https'
import * as v from 'valibot'
import { afterEach, describe, expect, test } from 'vitest'
import { logIn, unknownCode } from '../../lib/wechat/login.ts'
import { replaceRequest } from '../support/request-by-fetch.ts'
import { jsonSample } from '../support/samples.ts'

const settings = {
  appid: 'wx00000000demo0001',
  secret: 'DemoAppSecret0000000000000000001',
  host: 'https://api.example',
}
const recorded = jsonSample(
  'mp-code2session.json',
  v.object({
    success: v.unknown(),
    successNoUnion: v.unknown(),
    errors: v.array(v.looseObject({ errcode: v.number() })),
  }),
)
const encryptedSample = jsonSample(
  'mp-encrypted-data.json',
  v.object({
    iv: v.string(),
    cases: v.array(v.object({ name: v.string(), encryptedData: v.string() })),
  }),
)
/** Encrypts a text as WeChat does, with the recorded session key. */
function encrypt(plain: string): string {
  const { session_key: key } = v.parse(
    v.object({ session_key: v.string() }),
    recorded.successNoUnion,
  )
  const cipher = createCipheriv(
    'aes-128-cbc',
    Buffer.from(key, 'base64'),
    Buffer.from(encryptedSample.iv, 'base64'),
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
const encryptedDataOf = (name: string) =>
  encryptedSample.cases.find((one) => one.name === name)?.encryptedData

let restoreRequest: () => void = () => undefined

/** WeChat gives these answers in turn and repeats the last one. Returns the requested URLs. */
function stubAnswers(...answers: readonly [unknown, ...unknown[]]): (string | URL | Request)[] {
  const requests: (string | URL | Request)[] = []
  restoreRequest()
  restoreRequest = replaceRequest(https, (url) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)]
    requests.push(url)
    return Promise.resolve(
      new Response(typeof answer === 'string' ? answer : JSON.stringify(answer), {
        headers: { 'content-type': 'text/plain' },
      }),
    )
  })
  return requests
}
afterEach(() => restoreRequest())

const known = {
  appid: settings.appid,
  openid: 'oDemo000000000000000000User1',
  unionid: 'uDemo000000000000000000User1',
}

describe('a login', () => {
  test('returns the openid and the unionid', async () => {
    stubAnswers(recorded.success)
    expect(await logIn(settings, { code: 'c' })).toEqual({ ok: true, value: known })
  })

  test('returns no unionid for a shop with one app', async () => {
    stubAnswers(recorded.successNoUnion)
    expect(await logIn(settings, { code: 'c' })).toEqual({
      ok: true,
      value: { ...known, unionid: null },
    })
  })

  test('does not return the session key', async () => {
    stubAnswers(recorded.success)
    expect(JSON.stringify(await logIn(settings, { code: 'c' }))).not.toContain(
      'RGVtb1Nlc3Npb25LZXkwMQ==',
    )
  })

  test.each([
    [40029, 'login_code_invalid'],
    [40163, 'login_code_used'],
    [45011, 'too_many_requests'],
    [40226, 'login_blocked'],
    [-1, 'wechat_busy'],
    [40013, 'wechat_misconfigured'],
    [40125, 'wechat_misconfigured'],
  ])('that WeChat answers with %i fails as %s', async (errcode, reason) => {
    stubAnswers(recorded.errors.find((one) => one.errcode === errcode))
    expect(await logIn(settings, { code: 'c' })).toMatchObject({ ok: false, error: { reason } })
  })

  test.each([44990, 45009])(
    'that WeChat answers with %i, an exhausted quota, may be retried later',
    async (errcode) => {
      stubAnswers({ errcode })
      expect(await logIn(settings, { code: 'c' })).toEqual({
        ok: false,
        error: { reason: 'wechat_busy' },
      })
    },
  )

  test.each([41003, 61024, 99_999, -2])(
    'that WeChat answers with the unknown code %i fails without a decision',
    async (errcode) => {
      stubAnswers({ errcode, errmsg: 'something new' })
      expect(await logIn(settings, { code: 'c' })).toEqual({
        ok: false,
        error: unknownCode(errcode, 'something new'),
      })
    },
  )

  test('is retried once when WeChat is busy', async () => {
    const requests = stubAnswers({ errcode: -1 }, recorded.success)
    expect([(await logIn(settings, { code: 'c' })).ok, requests.length]).toEqual([true, 2])
  })

  test('that WeChat refuses is not retried, because a code works only once', async () => {
    const requests = stubAnswers({ errcode: 40029 })
    await logIn(settings, { code: 'c' })
    expect(requests).toHaveLength(1)
  })

  test.each([
    ['HTML', '<html></html>'],
    ['an empty body', ''],
    ['no user', { session_key: 'RGVtb1Nlc3Npb25LZXkwMQ==' }],
    ['no session key', { openid: 'oDemo' }],
    ['an invalid openid', { openid: "o'; --", session_key: 'RGVtb1Nlc3Npb25LZXkwMQ==' }],
  ])('that WeChat answers with %s fails as untrusted', async (_, answer) => {
    stubAnswers(answer)
    expect(await logIn(settings, { code: 'c' })).toMatchObject({
      ok: false,
      error: { reason: 'wechat_untrusted' },
    })
  })
})

describe('a login with proofs', () => {
  const refused = { ok: false, error: { reason: 'invalid_user_data' } }

  test('takes the unionid from data that was encrypted for this login', async () => {
    stubAnswers(recorded.successNoUnion)
    expect(
      await logIn(settings, {
        code: 'c',
        encryptedData: encryptedDataOf('userinfo'),
        iv: encryptedSample.iv,
      }),
    ).toEqual({ ok: true, value: known })
  })

  test.each([
    [
      'data that was encrypted for another app',
      { encryptedData: encryptedDataOf('foreign watermark'), iv: encryptedSample.iv },
    ],
    [
      'encrypted data without its initialization vector',
      { encryptedData: encryptedDataOf('userinfo') },
    ],
    ['an initialization vector without data', { iv: encryptedSample.iv }],
    [
      'a profile with a wrong signature',
      { rawData: '{"nickName":"Band"}', signature: '75e81ceda165f4ffa64f4068af58c64b8f54b88c' },
    ],
    ['a profile without a signature', { rawData: '{"nickName":"Band"}' }],
    ['a signature without a profile', { signature: '75e81ceda165f4ffa64f4068af58c64b8f54b88c' }],
  ])('is refused with %s', async (_, proofs) => {
    stubAnswers(recorded.success)
    expect(await logIn(settings, { code: 'c', ...proofs })).toEqual(refused)
  })

  test('takes no identity from data without an openid, because the cipher lets a payer rename a field', async () => {
    stubAnswers(recorded.successNoUnion)
    const data = {
      unionId: 'uSomebodyElse',
      watermark: { timestamp: 1735758246, appid: 'wx00000000demo0001' },
    }
    expect(
      await logIn(settings, {
        code: 'c',
        encryptedData: encrypt(JSON.stringify(data)),
        iv: encryptedSample.iv,
      }),
    ).toMatchObject({
      value: { unionid: null },
    })
    stubAnswers(recorded.successNoUnion)
    const whole = encrypt(JSON.stringify({ ...data, openId: 'oDemo000000000000000000User1' }))
    expect(
      await logIn(settings, { code: 'c', encryptedData: whole, iv: encryptedSample.iv }),
    ).toMatchObject({ value: { unionid: 'uSomebodyElse' } })
  })

  test('is refused with data about another user', async () => {
    stubAnswers({
      ...v.parse(v.looseObject({}), recorded.success),
      openid: 'oDemo000000000000000000User2',
    })
    expect(
      await logIn(settings, {
        code: 'c',
        encryptedData: encryptedDataOf('userinfo'),
        iv: encryptedSample.iv,
      }),
    ).toEqual(refused)
  })
})
