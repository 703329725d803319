import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { acknowledge } from '../../../lib/wechat/v2/notification.ts'
import { parseOpenid } from '../../../lib/core/ids.ts'
import { readAnswer } from '../../../lib/wechat/v2/verify.ts'
import { readNotification } from '../../../lib/wechat/v2/notification.ts'
import type { Fields } from '../../../lib/wechat/fields.ts'
import { sign, verify } from '../../../lib/wechat/v2/sign.ts'
import { isRightlySigned, openData } from '../../../lib/wechat/user-data.ts'
import { readXml } from '../../../lib/wechat/xml.ts'
import { must } from '../../support/must.ts'
import { demoPay, filesOnDisk, jsonSample, sample, samples } from '../../support/samples.ts'
import {
  answers,
  confirmation,
  notifications,
  refundNotifications,
  refusals,
  refusedNotifications,
  requests,
  unsignedAnswers,
} from '../../support/sample-outcomes.ts'

const fieldsOf = async (file: string): Promise<Fields> => must(await readXml(sample(file)))
const listedType = (file: string) => samples.find((entry) => entry.file === file)?.signType
const text = v.record(v.string(), v.string())

describe('a request', () => {
  test.each(requests)('%s has a signature of its listed type', async (file) => {
    expect(verify(await fieldsOf(file), demoPay.key)).toBe(listedType(file))
  })

  test.each(requests)('%s does not verify under another key', async (file) => {
    expect(verify(await fieldsOf(file), 'DemoV2ApiKey00000000000000000002')).toBeNull()
  })
})

describe('an answer', () => {
  test.each(Object.entries({ ...answers, ...refusals }))(
    '%s is accepted, with %j',
    async (file, expected) => {
      const answer = must(await readAnswer(demoPay, sample(file)))
      expect(expected.map(([name]) => [name, answer.get(name)])).toEqual(expected)
    },
  )

  test.each(Object.keys({ ...answers, ...refusals }))(
    '%s is signed with its listed type',
    async (file) => {
      expect(verify(await fieldsOf(file), demoPay.key)).toBe(listedType(file))
    },
  )

  test.each(Object.entries(unsignedAnswers))(
    '%s has no signature, so it means only that the call failed',
    async (file, error) => {
      expect(await readAnswer(demoPay, sample(file))).toEqual({ ok: false, error })
    },
  )

  test.each(['text', 'bom'])(
    'downloadbill-response.all.json is a bill (%s), not a message, and is refused',
    async (form) => {
      const bill = jsonSample('downloadbill-response.all.json', text)
      const answer = await readAnswer(demoPay, Buffer.from(bill[form] ?? '', 'utf8'))
      expect(answer).toEqual({ ok: false, error: { reason: 'wechat_untrusted', check: 'syntax' } })
    },
  )
})

describe('a notification', () => {
  test.each(Object.entries(notifications))(
    '%s is accepted, and confirms this payment',
    async (file, changes) => {
      const accepted = {
        ok: true,
        value: { kind: 'paid', confirmation: { ...confirmation, ...changes } },
      }
      expect(await readNotification(demoPay, sample(file))).toMatchObject(accepted)
    },
  )

  test.each(Object.keys(notifications))(
    '%s has only documented fields, except for one that is made up',
    async (file) => {
      const undocumented =
        file === 'pay-notify.unknown-field.md5.xml' ? 'brand_new_field_2031' : null
      expect(await readNotification(demoPay, sample(file))).toMatchObject({
        ok: true,
        value: { undocumented },
      })
    },
  )

  test.each(Object.keys(notifications))('%s is signed with its listed type', async (file) => {
    expect(verify(await fieldsOf(file), demoPay.key)).toBe(listedType(file))
  })

  test('pay-notify.result-fail.md5.xml is genuine, and confirms no payment', async () => {
    expect(await readNotification(demoPay, sample('pay-notify.result-fail.md5.xml'))).toEqual({
      ok: true,
      value: { kind: 'not_paid' },
    })
  })

  test.each(Object.entries(refusedNotifications))(
    '%s is refused because of its %s',
    async (file, check) => {
      expect(await readNotification(demoPay, sample(file))).toEqual({
        ok: false,
        error: { reason: 'notice_rejected', check },
      })
    },
  )

  test('pay-notify.wrong-mch.md5.xml has a valid signature, so only its merchant number is wrong', async () => {
    expect(verify(await fieldsOf('pay-notify.wrong-mch.md5.xml'), demoPay.key)).toBe('MD5')
  })
})

describe('a refund notification', () => {
  test.each(Object.entries(refundNotifications))(
    '%s names the refund to query, with the status %s',
    async (file, refundStatus) => {
      expect(await readNotification(demoPay, sample(file))).toEqual({
        ok: true,
        value: {
          kind: 'refund',
          outTradeNo: '20250102030405000000000000000001',
          outRefundNo: 'R20250102030405000000000000000001',
          refundStatus,
        },
      })
    },
  )

  test.each(Object.keys(refundNotifications))(
    '%s cannot be decrypted with another key',
    async (file) => {
      const error = { reason: 'notice_rejected', check: 'signature' }
      expect(
        await readNotification(
          { ...demoPay, key: 'DemoV2ApiKey00000000000000000002' },
          sample(file),
        ),
      ).toEqual({ ok: false, error })
    },
  )

  test('refund-notify.success.plain.json is the decrypted content of refund-notify.success.xml', async () => {
    const plain = jsonSample(
      'refund-notify.success.plain.json',
      v.object({ reqInfoBase64: v.string() }),
    )
    expect((await fieldsOf('refund-notify.success.xml')).get('req_info')).toBe(plain.reqInfoBase64)
  })
})

describe('an acknowledgement', () => {
  test('of an accepted notification is notify-ack.success.xml, byte for byte', () => {
    expect(acknowledge({ ok: true, value: null }).body).toBe(
      sample('notify-ack.success.xml').toString('utf8'),
    )
  })

  test('of a refused notification has the FAIL of notify-ack.fail.xml', async () => {
    const ours = acknowledge({
      ok: false,
      error: { reason: 'notice_rejected', check: 'signature' },
    })
    expect([
      (await fieldsOf('notify-ack.fail.xml')).get('return_code'),
      must(await readXml(Buffer.from(ours.body))).get('return_code'),
    ]).toEqual(['FAIL', 'FAIL'])
  })
})

describe('a signing example', () => {
  const vector = v.object({
    note: v.optional(v.string(), 'as published'),
    params: text,
    md5: v.string(),
    hmacSha256: v.string(),
  })
  const published = jsonSample(
    'v2-sign-official-vector.json',
    v.object({ ...vector.entries, key: v.string() }),
  )
  const more = jsonSample('v2-sign-vectors.json', v.array(vector)).map((one) => ({
    ...one,
    key: demoPay.key,
  }))

  test.each([published, ...more])(
    '$note: both signatures are as listed',
    ({ params, key, md5, hmacSha256 }) => {
      const fields = new Map(Object.entries(params))
      expect([sign(fields, key, 'MD5'), sign(fields, key, 'HMAC-SHA256')]).toEqual([
        md5,
        hmacSha256,
      ])
    },
  )

  const second = jsonSample('second-sign.json', v.object({ v2md5: text, v2hmac: text }))

  test.each(['MD5', 'HMAC-SHA256'] as const)(
    'second-sign.json: the payment is signed as listed with %s',
    (type) => {
      const { stringA: _, paySign, ...fields } = type === 'MD5' ? second.v2md5 : second.v2hmac
      expect(sign(new Map(Object.entries(fields)), demoPay.key, type)).toBe(paySign)
    },
  )
})

describe('a login', () => {
  test('mp-code2session.json has a valid user', () => {
    const { success } = jsonSample('mp-code2session.json', v.object({ success: text }))
    expect(parseOpenid(success['openid'] ?? '')).toEqual({
      ok: true,
      value: 'oDemo000000000000000000User1',
    })
  })

  test('mp-rawdata-signature.json has a valid signature', () => {
    const { rawData, signature, sessionKey } = jsonSample(
      'mp-rawdata-signature.json',
      v.object({ rawData: v.string(), signature: v.string(), sessionKey: v.string() }),
    )
    expect(isRightlySigned(rawData, signature, sessionKey)).toBe(true)
  })

  const oneCase = v.object({
    name: v.string(),
    encryptedData: v.string(),
    accept: v.boolean(),
    sessionKey: v.optional(v.string()),
  })
  const encryptedSample = jsonSample(
    'mp-encrypted-data.json',
    v.object({
      appid: v.string(),
      sessionKey: v.string(),
      iv: v.string(),
      cases: v.array(oneCase),
    }),
  )

  test.each(encryptedSample.cases)(
    'mp-encrypted-data.json, $name: decrypted is $accept',
    ({ encryptedData, accept, sessionKey }) => {
      expect(
        openData(
          encryptedData,
          encryptedSample.iv,
          sessionKey ?? encryptedSample.sessionKey,
          encryptedSample.appid,
        ) !== null,
      ).toBe(accept)
    },
  )
})

describe('the samples', () => {
  const put = [
    ...requests,
    ...[answers, refusals, unsignedAnswers, notifications, refusedNotifications].flatMap((table) =>
      Object.keys(table),
    ),
    'pay-notify.result-fail.md5.xml',
    ...Object.keys(refundNotifications),
    'refund-notify.success.plain.json',
    'notify-ack.success.xml',
    'notify-ack.fail.xml',
    'second-sign.json',
    'v2-sign-official-vector.json',
    'v2-sign-vectors.json',
    'downloadbill-response.all.json',
    'mp-code2session.json',
    'mp-rawdata-signature.json',
    'mp-encrypted-data.json',
  ]

  test('are all tested above, except those of APIv3', () => {
    expect(put.toSorted()).toEqual(
      samples
        .filter(({ kind }) => !kind.startsWith('v3-'))
        .map(({ file }) => file)
        .toSorted(),
    )
  })

  test('are all listed in the index', () => {
    // Certificates are not messages.
    expect(filesOnDisk.filter((file) => file !== 'tls').toSorted()).toEqual(
      samples.map(({ file }) => file).toSorted(),
    )
  })

  test('that are listed as forged are all refused above', () => {
    const forged = samples
      .filter(({ kind, valid }) => valid === false && !kind.startsWith('v3-'))
      .map(({ file }) => file)
    expect(Object.keys(refusedNotifications)).toEqual(expect.arrayContaining(forged))
  })
})
