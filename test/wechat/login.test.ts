/** The Mini Program's login, against the answers WeChat is known to give. */
import { createCipheriv } from 'node:crypto'
import * as v from 'valibot'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { logIn, unknownCode } from '../../lib/wechat/login.ts'
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
const locked = jsonSample(
  'mp-encrypted-data.json',
  v.object({
    iv: v.string(),
    cases: v.array(v.object({ name: v.string(), encryptedData: v.string() })),
  }),
)
/** Locks a text as WeChat does, with the key of the recorded session. */
function lock(plain: string): string {
  const { session_key: key } = v.parse(
    v.object({ session_key: v.string() }),
    recorded.successNoUnion,
  )
  const cipher = createCipheriv(
    'aes-128-cbc',
    Buffer.from(key, 'base64'),
    Buffer.from(locked.iv, 'base64'),
  )
  return Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
const lockedAs = (name: string) => locked.cases.find((one) => one.name === name)?.encryptedData

/** WeChat gives these answers in turn, the last one for ever; returns what it was asked. */
function wechatSays(...answers: readonly [unknown, ...unknown[]]): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', (url: string) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]
    asked.push(url)
    return Promise.resolve(
      new Response(typeof answer === 'string' ? answer : JSON.stringify(answer), {
        headers: { 'content-type': 'text/plain' },
      }),
    )
  })
  return asked
}
afterEach(() => {
  vi.unstubAllGlobals()
})

const known = {
  appid: settings.appid,
  openid: 'oDemo000000000000000000User1',
  unionid: 'uDemo000000000000000000User1',
}

describe('a login', () => {
  test('tells who the user is, across our apps too', async () => {
    wechatSays(recorded.success)
    expect(await logIn(settings, { code: 'c' })).toEqual({ ok: true, value: known })
  })

  test('tells who the user is where the shop has one app only', async () => {
    wechatSays(recorded.successNoUnion)
    expect(await logIn(settings, { code: 'c' })).toEqual({
      ok: true,
      value: { ...known, unionid: null },
    })
  })

  test('never hands out the session key', async () => {
    wechatSays(recorded.success)
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
    wechatSays(recorded.errors.find((one) => one.errcode === errcode))
    expect(await logIn(settings, { code: 'c' })).toMatchObject({ ok: false, error: { reason } })
  })

  test.each([44990, 45009])(
    'that WeChat answers with %i, a quota that is used up, may be tried later',
    async (errcode) => {
      wechatSays({ errcode })
      expect(await logIn(settings, { code: 'c' })).toEqual({
        ok: false,
        error: { reason: 'wechat_busy' },
      })
    },
  )

  test.each([41003, 61024, 99_999, -2])(
    'that WeChat answers with %i, which is in no table, is refused, and nothing is decided',
    async (errcode) => {
      wechatSays({ errcode, errmsg: 'something new' })
      expect(await logIn(settings, { code: 'c' })).toEqual({
        ok: false,
        error: unknownCode(errcode, 'something new'),
      })
    },
  )

  test('that WeChat is too busy for is tried once more', async () => {
    const asked = wechatSays({ errcode: -1 }, recorded.success)
    expect([(await logIn(settings, { code: 'c' })).ok, asked.length]).toEqual([true, 2])
  })

  test('that WeChat refuses is not tried again, for a code works once', async () => {
    const asked = wechatSays({ errcode: 40029 })
    await logIn(settings, { code: 'c' })
    expect(asked).toHaveLength(1)
  })

  test.each([
    ['no JSON', '<html></html>'],
    ['nothing', ''],
    ['no user', { session_key: 'RGVtb1Nlc3Npb25LZXkwMQ==' }],
    ['no session key', { openid: 'oDemo' }],
    ['a user that is none', { openid: "o'; --", session_key: 'RGVtb1Nlc3Npb25LZXkwMQ==' }],
  ])('that WeChat answers with %s is not believed', async (_, answer) => {
    wechatSays(answer)
    expect(await logIn(settings, { code: 'c' })).toMatchObject({
      ok: false,
      error: { reason: 'wechat_untrusted' },
    })
  })
})

describe('a login with proofs', () => {
  const refused = { ok: false, error: { reason: 'invalid_user_data' } }

  test('takes the union id from data locked for this login', async () => {
    wechatSays(recorded.successNoUnion)
    expect(
      await logIn(settings, { code: 'c', encryptedData: lockedAs('userinfo'), iv: locked.iv }),
    ).toEqual({ ok: true, value: known })
  })

  test.each([
    [
      'data locked for another app',
      { encryptedData: lockedAs('foreign watermark'), iv: locked.iv },
    ],
    ['locked data without its initial vector', { encryptedData: lockedAs('userinfo') }],
    ['an initial vector without data', { iv: locked.iv }],
    [
      'a profile with a wrong signature',
      { rawData: '{"nickName":"Band"}', signature: '75e81ceda165f4ffa64f4068af58c64b8f54b88c' },
    ],
    ['a profile without a signature', { rawData: '{"nickName":"Band"}' }],
    ['a signature without a profile', { signature: '75e81ceda165f4ffa64f4068af58c64b8f54b88c' }],
  ])('is refused with %s', async (_, proofs) => {
    wechatSays(recorded.success)
    expect(await logIn(settings, { code: 'c', ...proofs })).toEqual(refused)
  })

  test('takes no identity from data that has lost its openid: the cipher lets a payer turn one field into another', async () => {
    wechatSays(recorded.successNoUnion)
    const data = {
      unionId: 'uSomebodyElse',
      watermark: { timestamp: 1735758246, appid: 'wx00000000demo0001' },
    }
    expect(
      await logIn(settings, {
        code: 'c',
        encryptedData: lock(JSON.stringify(data)),
        iv: locked.iv,
      }),
    ).toMatchObject({
      value: { unionid: null },
    })
    wechatSays(recorded.successNoUnion)
    const whole = lock(JSON.stringify({ ...data, openId: 'oDemo000000000000000000User1' }))
    expect(await logIn(settings, { code: 'c', encryptedData: whole, iv: locked.iv })).toMatchObject(
      { value: { unionid: 'uSomebodyElse' } },
    )
  })

  test('is refused with data about somebody else', async () => {
    wechatSays({
      ...v.parse(v.looseObject({}), recorded.success),
      openid: 'oDemo000000000000000000User2',
    })
    expect(
      await logIn(settings, { code: 'c', encryptedData: lockedAs('userinfo'), iv: locked.iv }),
    ).toEqual(refused)
  })
})
