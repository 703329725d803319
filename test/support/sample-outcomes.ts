/**
 * The expected result of each sample message. `samples.test.ts` fails if a sample is missing here.
 */
import type { Failure, MessageCheck } from '../../lib/core/failure.ts'

type FieldValues = readonly (readonly [field: string, value: string])[]

export const requests = [
  'unifiedorder-request.md5.xml',
  'unifiedorder-request.hmac.xml',
  'unifiedorder-request.minimal.md5.xml',
  'orderquery-request.md5.xml',
  'orderquery-request.hmac.xml',
  'closeorder-request.md5.xml',
  'refund-request.md5.xml',
  'refundquery-request.md5.xml',
  'downloadbill-request.md5.xml',
]

const placed: FieldValues = [
  ['result_code', 'SUCCESS'],
  ['prepay_id', 'wx02030405000000demo00000000000001'],
]
const inState = (state: string): FieldValues => [
  ['result_code', 'SUCCESS'],
  ['out_trade_no', '20250102030405000000000000000001'],
  ['trade_state', state],
]

export const answers: Readonly<Record<string, FieldValues>> = {
  'unifiedorder-response.success.md5.xml': placed,
  'unifiedorder-response.success.hmac.xml': placed,
  'unifiedorder-response.unknown-field.md5.xml': placed,
  'orderquery-response.success.md5.xml': inState('SUCCESS'),
  'orderquery-response.success.hmac.xml': inState('SUCCESS'),
  'orderquery-response.refund.md5.xml': inState('REFUND'),
  'orderquery-response.notpay.md5.xml': inState('NOTPAY'),
  'orderquery-response.closed.md5.xml': inState('CLOSED'),
  'orderquery-response.payerror.md5.xml': inState('PAYERROR'),
  'closeorder-response.success.md5.xml': [['result_code', 'SUCCESS']],
  'refund-response.success.md5.xml': [
    ['result_code', 'SUCCESS'],
    ['refund_id', '50300002502025010200000000001'],
    ['refund_fee', '50'],
  ],
  'refundquery-response.success.md5.xml': [
    ['result_code', 'SUCCESS'],
    ['refund_count', '2'],
    ['refund_status_0', 'SUCCESS'],
  ],
}

const refused = (code: string): FieldValues => [
  ['result_code', 'FAIL'],
  ['err_code', code],
]

export const refusals: Readonly<Record<string, FieldValues>> = {
  'unifiedorder-response.orderpaid.md5.xml': refused('ORDERPAID'),
  'unifiedorder-response.out-trade-no-used.md5.xml': refused('OUT_TRADE_NO_USED'),
  'unifiedorder-response.invalid-request-201.md5.xml': refused('INVALID_REQUEST'),
  'unifiedorder-response.orderclosed.md5.xml': refused('ORDERCLOSED'),
  'unifiedorder-response.systemerror.md5.xml': refused('SYSTEMERROR'),
  'unifiedorder-response.noauth.md5.xml': refused('NOAUTH'),
  'unifiedorder-response.frequency-limited.hmac.xml': refused('FREQUENCY_LIMITED'),
  'orderquery-response.ordernotexist.md5.xml': refused('ORDERNOTEXIST'),
  'orderquery-response.systemerror.md5.xml': refused('SYSTEMERROR'),
  'closeorder-response.orderpaid.md5.xml': refused('ORDERPAID'),
  'closeorder-response.orderclosed.md5.xml': refused('ORDERCLOSED'),
  'refund-response.notenough.md5.xml': refused('NOTENOUGH'),
  'refund-response.bizerr-need-retry.md5.xml': refused('BIZERR_NEED_RETRY'),
  'refund-response.trade-overdue.md5.xml': refused('TRADE_OVERDUE'),
  'refundquery-response.refundnotexist.md5.xml': refused('REFUNDNOTEXIST'),
}

export const unsignedAnswers: Readonly<Record<string, Failure>> = {
  'unifiedorder-response.return-fail.xml': {
    reason: 'wechat_misconfigured',
    code: 'SIGNERROR',
    remedy:
      'WECHAT_PAY_KEY is not the APIv2 key of this merchant: compare it with what your other systems use; WECHAT_APP_SECRET may be swapped with it',
    text: '签名错误',
  },
  'downloadbill-response.no-bill.xml': {
    reason: 'wechat_refused',
    code: 'FAIL',
    text: 'No Bill Exist',
  },
}

/**
 * The confirmation of every genuine notification among the samples, except for the differences in
 * the table below.
 */
export const confirmation = {
  outTradeNo: '20250102030405000000000000000001',
  transactionId: '4200002500202501020000000001',
  totalFee: 101,
  feeType: 'CNY',
  cashFee: 101,
  bankType: 'OTHERS',
  openid: 'oDemo000000000000000000User1',
  paidAt: new Date('2025-01-01T19:05:01Z'),
}

/** `wrong-amount` is genuine: only the ledger can find that it is not the order's amount. */
export const notifications: Readonly<Record<string, Partial<typeof confirmation>>> = {
  'pay-notify.success.md5.xml': {},
  'pay-notify.success.hmac.xml': {},
  'pay-notify.coupon.md5.xml': { cashFee: 71 },
  'pay-notify.empty-attach.md5.xml': {},
  'pay-notify.unknown-field.md5.xml': {},
  'pay-notify.wrong-amount.md5.xml': { totalFee: 1, cashFee: 1 },
}

export const refusedNotifications: Readonly<Record<string, MessageCheck>> = {
  'pay-notify.tampered.md5.xml': 'signature',
  'pay-notify.no-sign.xml': 'signature',
  'pay-notify.empty-sign.xml': 'signature',
  'pay-notify.xxe.xml': 'doctype',
  'pay-notify.entity-bomb.xml': 'doctype',
  'pay-notify.wrong-mch.md5.xml': 'merchant',
}

/** The status in each refund notification, which is no proof. */
export const refundNotifications: Readonly<Record<string, string>> = {
  'refund-notify.success.xml': 'SUCCESS',
  'refund-notify.change.xml': 'CHANGE',
  'refund-notify.refundclose.xml': 'REFUNDCLOSE',
}
