import { describe, expect, test } from 'vitest'
import { consequenceOf } from '../../lib/wechat/codes.ts'

/** Every code in the error tables of unified order, order query and close order. */
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

describe('a refusal by WeChat', () => {
  test.each(codes)('%s means: %s', (code, does) => {
    expect(consequenceOf(code).does).toBe(does)
  })

  test.each([
    ['SIGNERROR', 'WECHAT_PAY_KEY'],
    ['NOAUTH', 'Product Center'],
    ['APPID_NOT_EXIST', 'WECHAT_APPID'],
    ['MCHID_NOT_EXIST', 'WECHAT_MCH_ID'],
    ['APPID_MCHID_NOT_MATCH', 'bind'],
  ])('%s tells the shop what to mend: %s', (code, named) => {
    expect(consequenceOf(code)).toMatchObject({ cure: expect.stringContaining(named) })
  })

  test.each(codes.filter(([, does]) => does === 'alert'))('%s never goes without a cure', (code) => {
    expect(consequenceOf(code)).toMatchObject({ cure: expect.stringMatching(/\w{3,} \w/) })
  })

  test.each(['SOMETHING_NEW', '', 'orderpaid', ' ORDERPAID', 'constructor', '__proto__', 'toString'])(
    'an unknown code (%j) is no more than a refusal',
    (code) => {
      expect(consequenceOf(code)).toEqual({ does: 'refuse' })
    },
  )
})
