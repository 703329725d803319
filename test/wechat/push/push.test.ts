/** Message push by WeChat's own vectors, and by messages that the simulator writes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encrypt, withTooMuchPadding } from '../../../dev/wechat/push/encryption.ts'
import { signatureOf } from '../../../dev/wechat/push/signature.ts'
import { writePush, type PushFields } from '../../../dev/wechat/push/write-push.ts'
import type { Outcome } from '../../../lib/core/result.ts'
import type { ReadNotification } from '../../../lib/ports.ts'
import { decrypt } from '../../../lib/wechat/push/decrypt.ts'
import { createPush, type PushSettings } from '../../../lib/wechat/push/push.ts'

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const AT = new Date(1_409_735_669_000)
const settings: PushSettings = {
  token: 'spamtest',
  key: Buffer.from(KEY, 'base64'),
  appid: 'wx2c2769f8efd9abc2',
}
const plain = { ...settings, key: null }

const read = (
  query: Record<string, string>,
  body: string | Uint8Array = '',
  by: PushSettings = settings,
  now = AT,
) =>
  createPush(
    () => by,
    () => now,
  ).read({
    headers: new Headers(),
    query: new URLSearchParams(query),
    bytes: Buffer.from(body),
  })

const nameOf = (outcome: Outcome<ReadNotification>) =>
  outcome.ok && outcome.value.kind === 'push' ? outcome.value.push.name : outcome
const rejected = (check: string) => ({ ok: false, error: { reason: 'notice_rejected', check } })

/** WeChat's sample of WXBizMsgCrypt. */
const sample = {
  timestamp: '1409735669',
  nonce: '1320562132',
  encrypted:
    'hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=',
  signature: '5d197aaffba7e9b25a30732f161a50dee96bd5fa',
}
const sampleQuery = {
  timestamp: sample.timestamp,
  nonce: sample.nonce,
  msg_signature: sample.signature,
}

describe('WeChat’s vectors', () => {
  const query = {
    signature: 'f464b24fc39322e44b38aa78f5edd27bd1441696',
    timestamp: '1714036504',
    nonce: '1514711492',
    echostr: '4375120948345356249',
  }
  const ofConsole = { ...settings, token: 'AAAAA' }

  test('the signature of the console’s check is accepted', async () => {
    const at = new Date(1_714_036_504_000)
    expect(await read(query, '', ofConsole, at)).toEqual({
      ok: true,
      value: { kind: 'push_check' },
    })
    expect(await read(query, '', settings, at)).toMatchObject(rejected('signature'))
  })

  test('the sample message is read, as XML and as JSON', async () => {
    const { encrypted } = sample
    for (const body of [
      `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`,
      JSON.stringify({ ToUserName: 'gh_1', Encrypt: encrypted }),
    ])
      expect(nameOf(await read(sampleQuery, body))).toBe('message text')
    const opened = decrypt(Buffer.from(KEY, 'base64'), settings.appid, encrypted)
    expect(opened.ok && Buffer.from(opened.value).toString()).toContain(
      '<Content><![CDATA[abcdteT]]></Content>',
    )
  })

  test('the simulator signs and encrypts by the same rules', () => {
    const { timestamp, nonce, encrypted, signature } = sample
    expect(signatureOf('spamtest', timestamp, nonce, encrypted)).toBe(signature)
    const ours = encrypt(KEY, settings.appid, 'abcdteT')
    expect(decrypt(Buffer.from(KEY, 'base64'), settings.appid, ours)).toEqual({
      ok: true,
      value: Buffer.from('abcdteT'),
    })
  })
})

describe('a message of the simulator', () => {
  const fields: PushFields = {
    ToUserName: 'gh_1',
    FromUserName: 'oPayer',
    CreateTime: 1_409_735_669,
    MsgType: 'event',
    Event: 'trade_manage_order_settlement',
    transaction_id: '4200000001',
    merchant_id: '1900000109',
    sub_merchant_id: '',
    merchant_trade_no: '20261122005336',
  }
  const about = { name: 'trade_manage_order_settlement', outTradeNo: '20261122005336' }
  const modes = ['plain', 'compatible', 'safe'] as const
  const formats = ['json', 'xml'] as const
  type Written = Parameters<typeof writePush>[1]
  const write = (changes: Partial<Written> = {}, content = fields) => {
    const { url, body } = writePush(content, {
      account: { url: 'https://shop.example/api/notify', token: 'spamtest', key: KEY },
      appid: settings.appid,
      settings: { pushMode: 'safe', pushFormat: 'json' },
      at: AT.getTime(),
      fault: null,
      ...changes,
    })
    return { query: Object.fromEntries(new URL(url).searchParams), body }
  }
  const readWritten = (changes: Partial<Written>, by = settings) => {
    const { query, body } = write(changes)
    return read(query, body, by)
  }

  test.each(modes.flatMap((pushMode) => formats.map((pushFormat) => ({ pushMode, pushFormat }))))(
    'is read in $pushMode mode as $pushFormat',
    async (form) => {
      const outcome = await readWritten(
        { settings: form },
        form.pushMode === 'plain' ? plain : settings,
      )
      expect(outcome).toMatchObject({ ok: true, value: { kind: 'push', push: about } })
    },
  )

  test('has the same identity in every form, and each event has its own', async () => {
    const idOf = (outcome: Outcome<ReadNotification>) =>
      outcome.ok && outcome.value.kind === 'push' ? outcome.value.push.id : null
    const ids = await Promise.all(
      formats.map(async (pushFormat) =>
        idOf(await readWritten({ settings: { pushMode: 'safe', pushFormat } })),
      ),
    )
    expect(new Set(ids).size).toBe(1)
    const later = write({}, { ...fields, CreateTime: 1_409_735_670 })
    expect(ids).not.toContain(idOf(await read(later.query, later.body)))
  })

  test('with a key only the encrypted content counts, and a plain body is refused', async () => {
    const { query, body } = write({ settings: { pushMode: 'compatible', pushFormat: 'json' } })
    const forged = JSON.stringify({ ...JSON.parse(body), merchant_trade_no: 'ANOTHER-ORDER' })
    expect(await read(query, forged)).toMatchObject({ value: { push: about } })
    const bare = write({ settings: { pushMode: 'plain', pushFormat: 'json' } })
    expect(await read(bare.query, bare.body)).toMatchObject(rejected('decryption'))
  })

  test.each([
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'encoding'],
    ['not JSON', '{', 'syntax'],
    ['JSON with a key twice', '{"Encrypt":"a","Encrypt":"b"}', 'syntax'],
    ['too long', ' '.repeat(64 * 1024 + 1), 'size'],
    ['nested XML', '<xml><a><b>1</b></a></xml>', 'syntax'],
  ])('with a key, a body that is %s is refused with the cause', async (_, body, check) => {
    expect(await read(write().query, body)).toMatchObject(rejected(check))
  })

  test('without a key an encrypted message is refused by the name of the variable', async () => {
    await expect(readWritten({}, plain)).rejects.toThrow(
      'WECHAT_PUSH_KEY is not set, and WeChat encrypts its messages',
    )
  })

  test.each([
    ['tamper', 'signature'],
    ['wrong-key', 'signature'],
    ['unsigned', 'signature'],
    ['old-timestamp', 'time'],
    ['future-timestamp', 'time'],
    ['bad-padding', 'decryption'],
    ['wrong-appid', 'merchant'],
  ] as const)('with the fault %s is refused', async (fault, check) => {
    expect(await readWritten({ fault: { on: 'push', do: fault } })).toMatchObject(rejected(check))
  })

  test('with another body under its signatures is refused', async () => {
    const { query } = write()
    const other = write({}, { ...fields, merchant_trade_no: 'ANOTHER-ORDER' })
    expect(await read(query, other.body)).toMatchObject(rejected('signature'))
  })

  test.each([
    [299, null],
    [300, 'time'],
    [-299, null],
    [-300, 'time'],
  ])('read %d seconds after it was signed: %s', async (seconds, check) => {
    const { query, body } = write()
    const outcome = await read(query, body, settings, new Date(AT.getTime() + seconds * 1000))
    expect(outcome).toMatchObject(check === null ? { ok: true } : rejected(check))
  })

  test.each(['', '1e3', '0x53', '140973566900000', ' 1409735669'])(
    'signed with the timestamp %j is refused',
    async (timestamp) => {
      const signature = signatureOf('spamtest', timestamp, '1')
      const outcome = await read({ signature, timestamp, nonce: '1' }, '{}', plain)
      expect(outcome).toMatchObject(rejected('time'))
    },
  )

  test.each(['<script>', '', 'a b', 'x'.repeat(257)])(
    'a check with the text %j is refused: it would be sent back',
    async (echostr) => {
      const { query } = write()
      expect(await read({ ...query, echostr })).toMatchObject(rejected('content'))
    },
  )

  test('of another kind, or that cannot be read, is unknown and not refused', async () => {
    const named = async (content: string) => {
      const { query } = write({ settings: { pushMode: 'plain', pushFormat: 'json' } })
      return nameOf(await read(query, content, plain))
    }
    expect(await named('{"MsgType":"event","Event":"user_enter_tempsession"}')).toBe(
      'user_enter_tempsession',
    )
    expect(await named('<xml><MsgType>image</MsgType></xml>')).toBe('message image')
    expect(await named('<xml><List><Item>1</Item></List></xml>')).toBe('unnamed')
    expect(await named('{"MsgType":"event","Event":"a\\nb"}')).toBe('unnamed')
    expect(await named('{"MsgType":"event","MsgType":"event","Event":"x"}')).toBe('unnamed')
  })
})

describe('decryption', () => {
  const key = Buffer.from(KEY, 'base64')

  test('returns every message that was encrypted, whatever its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (message) => {
        const opened = decrypt(key, settings.appid, encrypt(KEY, settings.appid, message))
        expect(opened).toEqual({ ok: true, value: Buffer.from(message) })
      }),
    )
  })

  test('refuses every padding but the exact one', () => {
    const spoils: readonly ((padded: Buffer) => Buffer)[] = [
      withTooMuchPadding,
      (padded) => Buffer.concat([padded.subarray(0, -1), Buffer.of(0)]),
      (padded) => Buffer.concat([padded.subarray(0, -1), Buffer.of(255)]),
      (padded) => {
        const count = padded.at(-1) ?? 0
        padded[padded.byteLength - count] = count ^ 1
        return padded
      },
      (padded) => Buffer.concat([padded, Buffer.alloc(16, 16)]),
    ]
    for (const spoil of spoils) {
      const message = 'x'.repeat(5)
      const spoiled = encrypt(KEY, settings.appid, message, spoil)
      expect(decrypt(key, settings.appid, spoiled)).toEqual({ ok: false, error: 'decryption' })
    }
  })

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.base64String(), fc.string(), fc.constant(sample.encrypted.slice(0, -4))),
        (text) => {
          expect(decrypt(key, settings.appid, text).ok).toBe(false)
        },
      ),
    )
  })

  test('refuses a length beyond the end, and an appid with more behind it', () => {
    const tooLong = encrypt(KEY, settings.appid, 'x', (padded) => {
      padded.writeUInt32BE(0xffff_ffff, 16)
      return padded
    })
    expect(decrypt(key, settings.appid, tooLong)).toEqual({ ok: false, error: 'decryption' })
    for (const appid of ['', `${settings.appid}0`, settings.appid.slice(1)])
      expect(decrypt(key, settings.appid, encrypt(KEY, appid, 'x'))).toEqual({
        ok: false,
        error: 'merchant',
      })
  })
})
