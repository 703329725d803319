/** The checks of an answer and a notification before any field is used, beyond the signature. */
import { describe, expect, test } from 'vitest'
import { readAnswer } from '../../../lib/wechat/v2/verify.ts'
import { readNotification } from '../../../lib/wechat/v2/notification.ts'
import { signed } from '../../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../../lib/wechat/xml.ts'
import { demoPay } from '../../support/samples.ts'

const paid = {
  return_code: 'SUCCESS',
  result_code: 'SUCCESS',
  appid: 'wx00000000demo0001',
  mch_id: '1900000109',
  nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
  out_trade_no: '20250102030405000000000000000001',
  transaction_id: '4200002500202501020000000001',
  total_fee: '101',
  time_end: '20250102030501',
  openid: 'oDemo000000000000000000User1',
  attach: 'store=1&src=mp',
}
const writeMessage = (fields: object, key: string | null = demoPay.key): Buffer => {
  const all = new Map<string, string>(Object.entries(fields))
  return Buffer.from(writeXml(key === null ? all : signed(all, key, 'HMAC-SHA256')), 'utf8')
}

/** Messages with a valid signature that are not for us or not complete. */
const strange = [
  ['for another Mini Program', { appid: 'wx00000000demo0002' }, 'merchant'],
  ['for another merchant', { mch_id: '1900000999' }, 'merchant'],
  ['without an appid', { appid: '' }, 'merchant'],
  ['without a merchant number', { mch_id: '' }, 'merchant'],
  ['without a nonce', { nonce_str: '' }, 'content'],
  ['without a return code', { return_code: '' }, 'content'],
] as const

describe('an answer', () => {
  test('that is signed for us is accepted', async () => {
    expect((await readAnswer(demoPay, writeMessage(paid))).ok).toBe(true)
  })

  test.each(strange)('%s is refused', async (_, change, check) => {
    expect(await readAnswer(demoPay, writeMessage({ ...paid, ...change }))).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check },
    })
  })

  test('without a signature is logged as a short text without an openid', async () => {
    const refusal = await readAnswer(
      demoPay,
      writeMessage(
        {
          return_code: 'FAIL',
          return_msg: `user oPayer0000000000000000000001 unknown\n\u2028\u202e${'x'.repeat(500)}`,
        },
        null,
      ),
    )
    expect(refusal).toEqual({
      ok: false,
      error: {
        reason: 'wechat_refused',
        code: 'FAIL',
        text: expect.stringMatching(/^user o… unknownx{50,100}$/),
      },
    })
  })

  test.each([
    ['is not signed', null],
    ['is signed with another key', 'DemoV2ApiKey00000000000000000002'],
  ])('that %s is refused', async (_, key) => {
    expect(await readAnswer(demoPay, writeMessage(paid, key))).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'signature' },
    })
  })

  test('FAIL without a signature is a refusal, and its other fields are ignored', async () => {
    const refusal = {
      return_code: 'FAIL',
      return_msg: '受理机构',
      result_code: 'SUCCESS',
      trade_state: 'SUCCESS',
    }
    expect(await readAnswer(demoPay, writeMessage(refusal, null))).toEqual({
      ok: false,
      error: { reason: 'wechat_refused', code: 'FAIL', text: '受理机构' },
    })
  })

  test.each(['频率限制', '请求过于频繁，请稍后再试'])(
    'FAIL with %j and no code is a rate limit',
    async (text) => {
      expect(
        await readAnswer(demoPay, writeMessage({ return_code: 'FAIL', return_msg: text }, null)),
      ).toEqual({
        ok: false,
        error: { reason: 'wechat_busy' },
      })
    },
  )

  test.each(['<html><body>502 Bad Gateway</body></html>', '', 'SUCCESS'])(
    'that is not a message (%j) is refused',
    async (nonsense) => {
      expect(await readAnswer(demoPay, Buffer.from(nonsense))).toEqual({
        ok: false,
        error: { reason: 'wechat_untrusted', check: 'syntax' },
      })
    },
  )
})

describe('a notification', () => {
  const refused = (check: string) => ({ ok: false, error: { reason: 'notice_rejected', check } })

  test('of a payment yields the order, the amount and the time', async () => {
    expect(await readNotification(demoPay, writeMessage(paid))).toEqual({
      ok: true,
      value: {
        kind: 'paid',
        confirmation: {
          outTradeNo: '20250102030405000000000000000001',
          transactionId: '4200002500202501020000000001',
          totalFee: 101,
          feeType: 'CNY',
          cashFee: null,
          bankType: null,
          openid: 'oDemo000000000000000000User1',
          paidAt: new Date('2025-01-01T19:05:01Z'),
        },
        attach: 'store=1&src=mp',
        undocumented: 'bank_type',
        mayAttachHideFields: true,
      },
    })
  })

  test.each(strange)('%s is refused', async (_, change, check) => {
    expect(await readNotification(demoPay, writeMessage({ ...paid, ...change }))).toEqual(
      refused(check),
    )
  })

  test.each([
    ['no amount', { total_fee: '' }],
    ['an amount of zero', { total_fee: '0' }],
    ['a negative amount', { total_fee: '-101' }],
    ['an amount in yuan', { total_fee: '1.01' }],
    ['an amount with leading zeros', { total_fee: '0101' }],
    ['an amount with an exponent', { total_fee: '1e2' }],
    ['an amount above the maximum', { total_fee: '2147483648' }],
    ['no order number', { out_trade_no: '' }],
    ['no payment number', { transaction_id: '' }],
    ['a payment number that is too long', { transaction_id: '4'.repeat(33) }],
    ['no time', { time_end: '' }],
    ['no payer', { openid: '' }],
    ['a field hidden in a value', { device_info: 'WEB&mch_id=1900000109' }],
    ['a field hidden in a value of an unknown field', { z: 'z&notify_url=https://shop.example' }],
    ['a date that does not exist', { time_end: '20250230000000' }],
  ])('with %s confirms no payment', async (_, change) => {
    expect(await readNotification(demoPay, writeMessage({ ...paid, ...change }))).toEqual(
      refused('content'),
    )
  })

  test.each(['total_fee', 'out_trade_no', 'transaction_id', 'time_end'])(
    'without the field %s confirms no payment',
    async (left) => {
      const others = Object.entries(paid).filter(([name]) => name !== left)
      expect(await readNotification(demoPay, writeMessage(Object.fromEntries(others)))).toEqual(
        refused('content'),
      )
    },
  )

  test('without a signature is not read further, so its appid makes no difference', async () => {
    expect(
      await readNotification(demoPay, writeMessage({ ...paid, mch_id: '1900000999' }, null)),
    ).toEqual(refused('signature'))
  })

  test('that is signed is a payment, even if it has the fields of a refund notification', async () => {
    expect(
      await readNotification(demoPay, writeMessage({ ...paid, req_info: 'bm90IGEgcmVmdW5k' })),
    ).toMatchObject({
      ok: true,
      value: { kind: 'paid' },
    })
  })

  test('with return_code FAIL is refused, even if it is signed', async () => {
    expect(await readNotification(demoPay, writeMessage({ ...paid, return_code: 'FAIL' }))).toEqual(
      refused('content'),
    )
  })

  test.each(['FAIL', '', 'success'])('with the result %j confirms no payment', async (result) => {
    expect(await readNotification(demoPay, writeMessage({ ...paid, result_code: result }))).toEqual(
      {
        ok: true,
        value: { kind: 'not_paid' },
      },
    )
  })

  test('keeps its currency, which the ledger compares', async () => {
    expect(
      await readNotification(demoPay, writeMessage({ ...paid, fee_type: 'USD' })),
    ).toMatchObject({
      value: { confirmation: { feeType: 'USD' } },
    })
  })

  test.each(['8.00', '-8', '8 fen', 'CNY8', '1234567890'])(
    'with the cash_fee %j pays the order, and the cash amount is unknown',
    async (cashFee) => {
      expect(
        await readNotification(demoPay, writeMessage({ ...paid, cash_fee: cashFee })),
      ).toMatchObject({
        value: { confirmation: { totalFee: 101, cashFee: null } },
      })
    },
  )

  test('of a payment only by coupons confirms the full amount', async () => {
    expect(await readNotification(demoPay, writeMessage({ ...paid, cash_fee: '0' }))).toMatchObject(
      {
        value: { confirmation: { totalFee: 101, cashFee: 0 } },
      },
    )
  })
})
