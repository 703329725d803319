import { describe, expect, test } from 'vitest'
import { meaningOf, UNKNOWN_CODE } from '../../../lib/wechat/v2/codes.ts'

/** All codes in the error tables of unified order, order query and close order. */
const codes = [
  ['ORDERPAID', 'paid'],
  ['ORDERCLOSED', 'closed'],
  ['ORDERNOTEXIST', 'missing'],
  ['INVALID_TRANSACTIONID', 'missing'],
  ['OUT_TRADE_NO_USED', 'number_taken'],
  ['INVALID_REQUEST', 'number_taken'],
  ['TRADE_STATE_ERROR', 'not_now'],
  ['SYSTEMERROR', 'ask_again'],
  ['FREQUENCY_LIMITED', 'slow_down'],
  ['NOTENOUGH', 'refuse'],
  ['SIGNERROR', 'alert'],
  ['NOAUTH', 'alert'],
  ['APPID_NOT_EXIST', 'alert'],
  ['MCHID_NOT_EXIST', 'alert'],
  ['APPID_MCHID_NOT_MATCH', 'alert'],
  ['LACK_PARAMS', 'alert'],
  ['PARAM_ERROR', 'alert'],
  ['XML_FORMAT_ERROR', 'alert'],
  ['REQUIRE_POST_METHOD', 'alert'],
  ['POST_DATA_EMPTY', 'alert'],
  ['NOT_UTF8', 'alert'],
] as const

test.each(['A_CODE_OF_TOMORROW', 'ERROR', 'RULE_LIMIT', 'FAIL', '', 'constructor'])(
  'the unknown code %j decides nothing',
  (code) => {
    expect(meaningOf(code)).toBe(UNKNOWN_CODE)
    expect(UNKNOWN_CODE).toEqual({ action: 'refuse' })
  },
)

describe('a refusal by WeChat', () => {
  test.each(codes)('%s means: %s', (code, action) => {
    expect(meaningOf(code).action).toBe(action)
  })

  test.each([
    ['SIGNERROR', 'WECHAT_PAY_KEY'],
    ['NOAUTH', 'Product Center'],
    ['APPID_NOT_EXIST', 'WECHAT_APPID'],
    ['MCHID_NOT_EXIST', 'WECHAT_MCH_ID'],
    ['APPID_MCHID_NOT_MATCH', 'bind'],
  ])('%s names the setting to correct: %s', (code, named) => {
    expect(meaningOf(code)).toMatchObject({ remedy: expect.stringContaining(named) })
  })

  test.each(codes.filter(([, action]) => action === 'alert'))('%s always has a remedy', (code) => {
    expect(meaningOf(code)).toMatchObject({ remedy: expect.stringMatching(/\w{3,} \w/) })
  })

  test.each([
    ['PARAM_ERROR', 'appid and openid not match', ['WECHAT_APPID', 'openid']],
    ['PARAM_ERROR', 'appid与openid不匹配', ['WECHAT_APPID', 'openid']],
    ['INVALID_REQUEST', 'appid和openid不匹配', ['WECHAT_APPID', 'openid']],
    ['PARAM_ERROR', 'appid和mch_id不匹配', ['WECHAT_APPID', 'WECHAT_MCH_ID']],
    ['A_CODE_OF_TOMORROW', '商户号mch_id与appid不匹配', ['WECHAT_APPID', 'WECHAT_MCH_ID']],
    ['ERROR', '证书已过期', ['WECHAT_PAY_CERT', 'WECHAT_PAY_CERT_KEY']],
    ['PARAM_ERROR', 'invalid spbill_create_ip', ['spbill_create_ip', 'the payer’s address']],
    ['PARAM_ERROR', 'time_expire时间过短，刷卡至少1分钟，其他5分钟', ['time_expire', 'timeExpire']],
    ['PARAM_ERROR', '参数notify_url格式错误', ['notify_url', 'PUBLIC_URL']],
    ['LACK_PARAMS', '缺少参数openid', ['openid', 'WECHAT_APPID']],
  ])('%s with the text %j names the value to check', (code, text, named) => {
    expect(meaningOf(code, text)).toMatchObject({
      action: 'alert',
      remedy: expect.stringMatching(new RegExp(named.join('.*'))),
    })
  })

  test.each([
    ['PARAM_ERROR', ''],
    ['PARAM_ERROR', '参数错误'],
    ['PARAM_ERROR', 'transaction_id与out_trade_no二选一'],
  ])('%s with the text %j names no field', (code, text) => {
    expect(meaningOf(code, text)).toEqual(meaningOf(code))
  })

  test('of a reused order number is not a misconfiguration', () => {
    expect(meaningOf('INVALID_REQUEST', '201 商户订单号重复')).toEqual({ action: 'number_taken' })
  })

  test.each([
    'SOMETHING_NEW',
    '',
    'orderpaid',
    ' ORDERPAID',
    'constructor',
    '__proto__',
    'toString',
  ])('with an unknown code (%j) is only a refusal', (code) => {
    expect(meaningOf(code)).toEqual({ action: 'refuse' })
  })
})
