/** The meaning of every documented error code of APIv3, for every kind of call. */
import { describe, expect, test } from 'vitest'
import { cleanRefusalText } from '../../../lib/wechat/refusal-text.ts'
import {
  configurationFault,
  meaningOf,
  namesSerial,
  type CallKind,
} from '../../../lib/wechat/v3/codes.ts'
import { readError } from '../../../lib/wechat/v3/error-body.ts'
import { refundRefusal } from '../../../lib/wechat/v3/refund-codes.ts'

const refusal = (code: string, text = '', field = '') => ({ code, text, field })

const kinds = ['place', 'query', 'close', 'refund', 'payout', 'refund_query', 'bill'] as const
const actions: Readonly<Record<string, string>> = {
  P: 'paid',
  C: 'closed',
  T: 'number_taken',
  M: 'missing',
  N: 'not_now',
  S: 'slow_down',
  '?': 'ask_again',
  R: 'refuse',
  A: 'alert',
}
/** The actions of each code, in the order of the kinds. */
const rows: readonly (readonly [code: string, letters: string])[] = [
  ['ORDER_PAID', 'P?PRR??'],
  ['ORDER_CLOSED', 'CCCRR??'],
  ['OUT_TRADE_NO_USED', 'T??RR??'],
  ['ORDER_NOT_EXIST', '?MMRR??'],
  ['RESOURCE_NOT_EXISTS', '???RRM?'],
  ['REFUND_NOT_EXIST', '???RRM?'],
  ['NO_STATEMENT_EXIST', '???RR?M'],
  ['STATEMENT_CREATING', '???RR?N'],
  ['INVALID_REQUEST', 'TRNRRRR'],
  ['RULE_LIMIT', 'TRNRRRR'],
  ['TRADE_ERROR', 'TRNRRRR'],
  ['PARAM_ERROR', 'AAAARAA'],
  ['SIGN_ERROR', 'AAAAAAA'],
  ['NO_AUTH', 'AAAAAAA'],
  ['APPID_MCHID_NOT_MATCH', 'AAAAAAA'],
  ['OPENID_MISMATCH', 'AAAAAAA'],
  ['MCH_NOT_EXISTS', 'AAAAAAA'],
  ['ACCOUNT_ERROR', 'AAAAAAA'],
  ['FREQUENCY_LIMITED', 'SSSSSSS'],
  ['RATELIMIT_EXCEEDED', 'SSSSSSS'],
  ['SYSTEM_ERROR', '???????'],
  ['SERVICE_UNAVAILABLE', '???????'],
  ['BANK_ERROR', '???????'],
  ['USERPAYING', '???????'],
  ['A_CODE_OF_TOMORROW', '???RR??'],
  ['constructor', '???RR??'],
]

describe('a code means for each kind of call', () => {
  test.each(rows)('%s: %s', (code, letters) => {
    const expected = letters.split('').map((letter) => actions[letter])
    // Older pages write codes without underscores.
    for (const written of [code, code.replaceAll('_', '')])
      expect(kinds.map((kind) => meaningOf(kind, refusal(written)).action)).toEqual(expected)
  })
})

const remedyOf = (kind: CallKind, code: string, text = '', field = '') => {
  const meaning = meaningOf(kind, refusal(code, text, field))
  return 'remedy' in meaning ? meaning.remedy : meaning.action
}

const NOT_BOUND = 'WECHAT_APPID and WECHAT_MCH_ID are not bound'
const OTHER_APP = 'the openid of the order is not one of WECHAT_APPID'
const ADDRESS = 'from listed addresses only'
const HEADER = 'a header of our request was lost'
const SERIAL = 'compare WECHAT_PAY_PUBLIC_KEY_ID'

describe('the remedy', () => {
  test.each([
    ['SIGN_ERROR', 'WeChat does not accept our signature'],
    ['NO_AUTH', 'switch the product on'],
    ['APPID_MCHID_NOT_MATCH', NOT_BOUND],
    ['OPENID_MISMATCH', OTHER_APP],
    ['MCH_NOT_EXISTS', 'WeChat does not know WECHAT_MCH_ID'],
    ['ACCOUNT_ERROR', 'the merchant account is restricted'],
  ])('of %s is that of an unsigned refusal too', (code, remedy) => {
    for (const kind of kinds) expect(remedyOf(kind, code)).toContain(remedy)
    expect(configurationFault(code)).toContain(remedy)
    expect(configurationFault(code.replaceAll('_', ''))).toContain(remedy)
  })

  const others = rows.filter(
    ([code, letters]) => code === 'PARAM_ERROR' || letters !== 'A'.repeat(7),
  )
  test.each(others)('is not known for an unsigned %s', (code) => {
    expect(configurationFault(code)).toBeNull()
    expect(configurationFault(code.replaceAll('_', ''))).toBeNull()
  })

  test.each([
    ['此IP地址不允许调用该接口', ADDRESS],
    ['此 ip 地址不允许调用该接口', ADDRESS],
    ['The ip address is not allowed', ADDRESS],
    ['Http头缺少Accept或User-Agent', HEADER],
    ['appid和mch_id不匹配', NOT_BOUND],
    ['APPID and mchid do not match', NOT_BOUND],
    ['appid 与商户号不一致', NOT_BOUND],
    ['商户号与appid不符', NOT_BOUND],
    ['商户号与appid不对应', NOT_BOUND],
    ['appid和openid不匹配', OTHER_APP],
    ['appid, openid and mchid do not match', OTHER_APP],
    ['Wechatpay-Serial 错误', SERIAL],
    ['wechatpay-serial is wrong', SERIAL],
  ])('of the text %j is that of its cause', (text, remedy) => {
    for (const code of ['INVALID_REQUEST', 'PARAM_ERROR', 'INVALIDREQUEST'])
      for (const kind of kinds) expect(remedyOf(kind, code, text)).toContain(remedy)
    // No other code stands for many causes.
    expect(remedyOf('query', 'ORDER_NOT_EXIST', text)).toBe('missing')
    expect(remedyOf('place', 'NO_AUTH', text)).toContain('switch the product on')
  })

  test.each(['appid 无效', 'mchid 不匹配', 'openid 不匹配', '参数不匹配', 'appid不匹配'])(
    'of the text %j is not guessed',
    (text) => {
      expect(remedyOf('query', 'INVALID_REQUEST', text)).toBe('refuse')
      expect(remedyOf('query', 'PARAM_ERROR', text)).toContain('a field of our request')
    },
  )

  test.each([
    ['/appid', 'WECHAT_APPID'],
    ['/mchid', 'WECHAT_MCH_ID'],
    ['/notify_url', 'PUBLIC_URL'],
    ['/payer/openid', 'the payer’s openid'],
    ['/scene_info/payer_client_ip', 'the payer’s address'],
    ['/out_trade_no', 'outTradeNo of the order'],
    ['/transaction_id', 'transactionId of the order'],
    ['/amount/total', 'totalFee of the order'],
    ['/description', 'body of the order'],
    ['/attach', 'attach of the order'],
    ['/time_expire', 'timeExpire of the order'],
    ['/out_refund_no', 'outRefundNo of the refund'],
    ['/amount/refund', 'refundFee of the refund'],
    ['/reason', 'refundDesc of the refund'],
    ['bill_date', 'the day of the bill'],
  ])('of the field %s names its source', (field, source) => {
    const remedy = remedyOf('place', 'PARAM_ERROR', '参数错误', field)
    expect(remedy).toContain(`WeChat does not accept the field ${field}: `)
    expect(remedy).toContain(source)
    expect(remedyOf('place', 'INVALID_REQUEST', '参数错误', field)).toBe('number_taken')
  })

  test('of another field, or of no field, says that a field has a wrong value', () => {
    for (const field of ['/made_up', '', '/total/made_up'])
      expect(remedyOf('place', 'PARAM_ERROR', '', field)).toBe(
        'a field of our request has a value WeChat does not take',
      )
  })

  test('is about the serial if the field or the text names it', () => {
    expect(namesSerial({ text: '', field: 'Wechatpay-Serial' })).toBe(true)
    expect(namesSerial({ text: '无效的wechatpay-serial', field: '' })).toBe(true)
    expect(namesSerial({ text: 'serial', field: 'wechatpay' })).toBe(false)
  })
})

describe('a refusal of a refund', () => {
  test.each([
    ['NOT_ENOUGH', 'refused', 'the merchant balance is too low'],
    ['USER_ACCOUNT_ABNORMAL', 'never', 'the payer’s account is closed'],
    ['TRADE_OVERDUE', 'never', 'the payment is older than a year'],
    ['RESOURCE_NOT_EXISTS', 'never', 'WeChat knows no payment of this order'],
    ['ORDER_NOT_EXIST', 'never', 'WeChat knows no payment of this order'],
    ['FREQUENCY_LIMITED', 'later', 'too many refunds at the same time'],
    ['RATELIMIT_EXCEEDED', 'later', 'too many refunds at the same time'],
    ['INVALID_REQUEST', 'refused', 'the text of WeChat names the cause'],
    ['RULE_LIMIT', 'refused', 'the text of WeChat names the cause'],
    ['TRADE_ERROR', 'refused', 'the text of WeChat names the cause'],
    ['SYSTEM_ERROR', 'refused', 'look the code up'],
    ['A_CODE_OF_TOMORROW', 'refused', 'look the code up'],
    ['__proto__', 'refused', 'look the code up'],
  ])('with %s is %s: %s', (code, outcome, remedy) => {
    for (const written of [code, ...(/^[A-Z]/.test(code) ? [code.replaceAll('_', '')] : [])])
      expect(refundRefusal(written, '原因')).toEqual({
        outcome,
        remedy: expect.stringContaining(remedy),
        code: written,
        text: '原因',
      })
  })
})

describe('the body of a refusal', () => {
  test('has a code, and may have a text and a field', () => {
    expect(readError({ code: 'NO_AUTH' })).toEqual(refusal('NO_AUTH'))
    const detail = { field: '/amount/total', value: 0, issue: 'x', location: 'body' }
    expect(readError({ code: 'PARAM_ERROR', message: '参数错误', detail, more: 1 })).toEqual(
      refusal('PARAM_ERROR', '参数错误', '/amount/total'),
    )
  })

  test.each([
    ['message', null],
    ['message', { text: 'x' }],
    ['detail', null],
    ['detail', {}],
    ['detail', 'x'],
    ['detail', { field: 7 }],
    ['detail', []],
  ])('is read without a malformed %s (%j)', (name, value) => {
    expect(readError({ code: 'NO_AUTH', [name]: value })).toEqual(refusal('NO_AUTH'))
  })

  test.each([
    [{}],
    [{ code: '' }],
    [{ code: 401 }],
    [{ code: 'NO AUTH' }],
    [{ code: ' NO_AUTH' }],
    [{ code: 'NO_AUTH\n' }],
    [{ code: 'N'.repeat(65) }],
    [[]],
    [null],
    ['NO_AUTH'],
  ])('is not one without a code: %j', (json) => {
    expect(readError(json)).toBeNull()
  })

  test('has a code of at most 64 characters', () => {
    expect(readError({ code: 'N'.repeat(64) })).toEqual(refusal('N'.repeat(64)))
  })

  test('does not repeat personal data in its text or its field', () => {
    const detail = { field: '/bank_account/6222' }
    expect(readError({ code: 'PARAM_ERROR', message: '6222 错误', detail }, ['6222'])).toEqual(
      refusal('PARAM_ERROR'),
    )
    expect(readError({ code: 'PARAM_ERROR', message: '错误', detail }, ['6222'])).toEqual(
      refusal('PARAM_ERROR', '错误'),
    )
    expect(readError({ code: 'PARAM_ERROR', message: '6222 错误' }, ['1'])).toEqual(
      refusal('PARAM_ERROR', '6222 错误'),
    )
  })

  test('shows no openid', () => {
    const message = 'oDemo000000000000000000User1 is unknown'
    expect(readError({ code: 'PARAM_ERROR', message })?.text).toBe(cleanRefusalText(message))
    expect(cleanRefusalText(message)).toBe('o… is unknown')
  })
})
