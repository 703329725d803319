import { createCipheriv } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { listenToLog } from '../steps/log-lines.ts'
import { openShop, type Answer, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.world.faults.redis.up()
  shop.world.faults.database.up()
  vi.restoreAllMocks()
})
afterAll(() => shop.close())

const logIn = (body: unknown): Promise<Answer> => shop.call('POST', '/api/login', { body })
const outcome = ({ status, json }: Answer) => [status, json['code']]
/** Logs in with a proof, made from the user data that the client received with this code. */
const withProof = (
  proof: (data: ReturnType<Shop['wechat']['userData']>) => object,
  openid?: string,
) => {
  const code = shop.wechat.issueCode(openid)
  return logIn({ code, ...proof(shop.wechat.userData(code)) })
}
const profilesOf = (openid: string) =>
  shop.sql('select nickname, avatar_url from users where openid = $1', [openid])

test('a login answers with a token for one day, and nothing else', async () => {
  const { status, json } = await logIn({ code: shop.wechat.issueCode() })
  expect(status).toBe(200)
  expect(Object.keys(json)).toEqual(['token', 'expiresIn'])
  expect(json['expiresIn']).toBe(86_400)
})

test('the token gives access to the user’s own orders', async () => {
  const first = await shop.logIn('oReturning000000000000000001')
  const outTradeNo = await shop.placeOrder(first)
  shop.advance(60_000)
  const again = await shop.logIn('oReturning000000000000000001')
  expect(again).not.toBe(first)
  expect(await shop.query(again, outTradeNo)).toMatchObject({ outTradeNo })
})

test('the session key reaches no answer, no log line and no table', async () => {
  const lines = listenToLog()
  const answers = [await withProof((data) => data), await withProof(() => ({ iv: 'x' }))]
  const received =
    shop.wechat.messageLog.findLast(({ response }) => response?.includes('session_key'))
      ?.response ?? ''
  const sessionKey = /"session_key":"([^"]+)"/.exec(received)?.[1] ?? ''
  const kept = await shop.sql('select to_jsonb(u)::text as row from users u')
  expect(sessionKey).toHaveLength(24)
  expect(lines.join('\n')).toContain('"function":"login"')
  expect(JSON.stringify([answers, lines, kept])).not.toContain(sessionKey)
  expect(JSON.stringify([answers, lines, kept])).not.toContain('session_key')
})

test('the same request sent again a minute later gets the same token', async () => {
  const code = shop.wechat.issueCode()
  const first = await logIn({ code })
  shop.advance(60_000)
  const again = await logIn({ code })
  expect([again.status, again.json]).toEqual([200, first.json])
})

test.each(['the code is used', 'the code is invalid'])(
  'a login request gets no token five minutes after it was made, when WeChat says that %s',
  async (says) => {
    const code = shop.wechat.issueCode()
    const first = await logIn({ code })
    if (says === 'the code is invalid')
      shop.wechat.misbehave({ on: 'jscode2session', do: 'errcode', errcode: 40029 })
    shop.advance(299_000)
    const inTime = await logIn({ code })
    expect([inTime.status, inTime.json]).toEqual([200, first.json])
    shop.advance(2_000)
    const late = await logIn({ code })
    expect([late.status, late.json['token']]).toEqual([401, undefined])
  },
)

test.each([
  [2, 'up'],
  [5, 'up'],
  [2, 'down'],
] as const)(
  '%i concurrent requests with the same code get one token, with Redis %s',
  async (times, redis) => {
    shop.world.faults.redis[redis]()
    const code = shop.wechat.issueCode()
    const answers = await Promise.all(Array.from({ length: times }, () => logIn({ code })))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: times }, () => 200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  },
)

test('a used code is refused in another request', async () => {
  const code = shop.wechat.issueCode()
  const { rawData, signature } = shop.wechat.userData(code)
  expect((await logIn({ code, rawData, signature })).status).toBe(200)
  expect(outcome(await logIn({ code }))).toEqual([401, 'login_code_used'])
})

test.each([
  ['nickname', '小红'],
  ['avatarUrl', 'https://example.com/b.png'],
])('a used code is refused with another %s', async (field, other) => {
  const body = {
    code: shop.wechat.issueCode(),
    nickname: '小明',
    avatarUrl: 'https://example.com/a.png',
  }
  const first = await logIn(body)
  expect(outcome(await logIn({ ...body, [field]: other }))).toEqual([401, 'login_code_used'])
  expect(outcome(await logIn({ code: body.code }))).toEqual([401, 'login_code_used'])
  expect((await logIn(body)).text).toBe(first.text)
})

test('a code that WeChat did not issue is refused', async () => {
  expect(outcome(await logIn({ code: 'unknown' }))).toEqual([401, 'login_code_invalid'])
})

test('a code is refused once five minutes have passed', async () => {
  const code = shop.wechat.issueCode()
  shop.advance(300_000)
  expect(outcome(await logIn({ code }))).toEqual([401, 'login_code_invalid'])
})

test('user data as the client received it is accepted', async () => {
  expect((await withProof((data) => data)).status).toBe(200)
  expect((await withProof(({ rawData, signature }) => ({ rawData, signature }))).status).toBe(200)
  expect((await withProof(({ encryptedData, iv }) => ({ encryptedData, iv }))).status).toBe(200)
})

const invalidProofs: readonly (readonly [string, Parameters<typeof withProof>[0]])[] = [
  [
    'raw data with the signature of another user’s data',
    ({ rawData }) => ({ rawData, signature: '75e81ceda165f4ffa64f4068af58c64b8f54b88c' }),
  ],
  [
    'raw data with one letter changed',
    ({ rawData, signature }) => ({ rawData: rawData.replace('zh', 'en'), signature }),
  ],
  [
    'raw data with its signature in capitals',
    ({ rawData, signature }) => ({ rawData, signature: signature.toUpperCase() }),
  ],
  ['raw data without its signature', ({ rawData }) => ({ rawData })],
  ['a signature without its data', ({ signature }) => ({ signature })],
  ['encrypted data that is garbage', ({ iv }) => ({ encryptedData: 'AAAA', iv })],
  [
    'truncated encrypted data',
    ({ encryptedData, iv }) => ({ encryptedData: encryptedData.slice(0, 64), iv }),
  ],
  ['encrypted data without its iv', ({ encryptedData }) => ({ encryptedData })],
  [
    'encrypted data with an iv of the wrong length',
    ({ encryptedData }) => ({ encryptedData, iv: 'AAAA' }),
  ],
  ['an iv without its data', ({ iv }) => ({ iv })],
  ['user data of another login', () => shop.wechat.userData(shop.wechat.issueCode())],
  [
    'a valid signature beside garbage',
    ({ rawData, signature, iv }) => ({ rawData, signature, iv, encryptedData: 'AAAA' }),
  ],
]
test.each(invalidProofs)('%s is refused', async (_name, proof) => {
  const openid = `oForger${shop.wechat.messageLog.length.toString().padStart(21, '0')}`
  const answer = await withProof(proof, openid)
  expect(outcome(answer)).toEqual([400, 'invalid_user_data'])
  expect(answer.json['token']).toBeUndefined()
  expect(await profilesOf(openid)).toEqual([])
})

test.each([
  ['wx00000000demo0001', 'oDemo000000000000000000User1', [200, undefined]],
  ['wx00000000other001', 'oDemo000000000000000000User1', [400, 'invalid_user_data']],
  ['wx00000000demo0001', 'oOther', [400, 'invalid_user_data']],
] as const)('data encrypted for app %s and user %s: %j', async (appid, openId, expected) => {
  // WeChat accepts this code of the developer tools again and again, so a first login reveals the
  // session key with which the test encrypts its data.
  const code = 'the code is a mock one'
  await logIn({ code })
  const answered =
    shop.wechat.messageLog.findLast(({ response }) =>
      response?.includes('oDemo000000000000000000User1'),
    )?.response ?? ''
  const key = Buffer.from(/"session_key":"([^"]+)"/.exec(answered)?.[1] ?? '', 'base64')
  const cipher = createCipheriv('aes-128-cbc', key, Buffer.alloc(16))
  const plain = JSON.stringify({
    openId,
    nickName: '小明',
    watermark: { appid, timestamp: 1_700_000_000 },
  })
  const encryptedData = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]).toString(
    'base64',
  )
  expect(
    outcome(await logIn({ code, encryptedData, iv: Buffer.alloc(16).toString('base64') })),
  ).toEqual(expected)
})

test('a user whom WeChat has blocked cannot log in', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', do: 'errcode', errcode: 40226 })
  expect(outcome(await logIn({ code: shop.wechat.issueCode() }))).toEqual([403, 'login_blocked'])
})

test('a user who logs in too often at WeChat is told to wait a minute', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', do: 'errcode', errcode: 45011 })
  const answer = await logIn({ code: shop.wechat.issueCode() })
  expect([...outcome(answer), answer.headers.get('retry-after')]).toEqual([
    429,
    'too_many_requests',
    '60',
  ])
})

test('a login is retried once when WeChat is busy, and succeeds', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', times: 1, do: 'errcode', errcode: -1 })
  const before = shop.countCalls('/sns/jscode2session')
  expect((await logIn({ code: shop.wechat.issueCode() })).status).toBe(200)
  expect(shop.countCalls('/sns/jscode2session') - before).toBe(2)
})

test('a login is tried twice at most when WeChat stays busy', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', do: 'errcode', errcode: -1 })
  const before = shop.countCalls('/sns/jscode2session')
  expect(outcome(await logIn({ code: shop.wechat.issueCode() }))).toEqual([503, 'wechat_busy'])
  expect(shop.countCalls('/sns/jscode2session') - before).toBe(2)
})

test.each([
  ['html', 502, 'wechat_untrusted'],
  ['garble', 502, 'wechat_untrusted'],
  ['http-500', 503, 'wechat_unknown'],
  ['drop', 503, 'wechat_unknown'],
] as const)(
  'an unusable answer of WeChat (%s) gives status %i and code %s',
  async (fault, status, code) => {
    shop.wechat.misbehave({ on: 'jscode2session', do: fault })
    expect(outcome(await logIn({ code: shop.wechat.issueCode() }))).toEqual([status, code])
  },
)

test('a gateway’s error page in place of WeChat’s answer does not use up the code', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', times: 1, do: 'html' })
  const code = shop.wechat.issueCode()
  expect([(await logIn({ code })).status, (await logIn({ code })).status]).toEqual([502, 200])
})

test('a login has an unknown outcome when WeChat stalls', async () => {
  shop.wechat.misbehave({ on: 'jscode2session', do: 'stall' })
  expect(outcome(await logIn({ code: shop.wechat.issueCode() }))).toEqual([503, 'wechat_unknown'])
})

test('without the database a login gets no token', async () => {
  shop.world.faults.database.down()
  expect(outcome(await logIn({ code: shop.wechat.issueCode() }))).toEqual([503, 'unavailable'])
})

test.each(['小明😀', '𠮷野家', '👩‍👩‍👧‍👦', '小明\u0007\n & <b><!DOCTYPE>]]>'])(
  'the nickname %j is kept whole, and so is an avatar address with the same characters',
  async (nickname) => {
    const openid = `o${Buffer.from(nickname).toString('base64url')}`
    const avatarUrl = `https://example.com/${nickname}.png`
    const body = { code: shop.wechat.issueCode(openid), nickname, avatarUrl }
    expect((await logIn(body)).status).toBe(200)
    expect(await profilesOf(openid)).toEqual([{ nickname, avatar_url: avatarUrl }])
  },
)

test.each([
  ['nickname', '小明\u0000'],
  ['nickname', '小明\ud83d'],
  ['avatarUrl', `https://example.com/${'a'.repeat(1_010)}`],
  ['avatarUrl', 'https://example.com/a\u0000.png'],
  ['code', '0a1b\u0000'],
  ['rawData', '{"nickName":"\udd14"}'],
])(
  'a %s that cannot be stored unchanged, %j, is refused by name, and the code stays valid',
  async (field, value) => {
    const code = shop.wechat.issueCode()
    const refused = await logIn({ code, [field]: value })
    expect([refused.status, refused.json['detail']]).toEqual([
      400,
      expect.stringMatching(`^${field}: expected `),
    ])
    expect((await logIn({ code })).status).toBe(200)
  },
)
