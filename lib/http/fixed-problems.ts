/** The answers to failures that are always described in the same words. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

export const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) })
export const RETRY_SOON = retryAfter(2)
export const BEARER = { 'www-authenticate': 'Bearer' }

const LOGIN_CODE: Problem = {
  status: 401,
  title: 'The login code is not valid',
  detail: 'Call wx.login again and send the new code.',
  headers: BEARER,
}

export const fixedProblems = {
  invalid_user_data: {
    status: 400,
    title: 'The user data is not genuine',
    detail: 'Call wx.login first, then the call that returns the data, and send both together.',
  },
  notice_rejected: {
    status: 400,
    title: 'The notification was refused',
    detail: 'It is not a genuine message from WeChat.',
  },
  login_code_invalid: LOGIN_CODE,
  login_code_used: LOGIN_CODE,
  login_blocked: {
    status: 403,
    title: 'WeChat does not allow this user to log in',
    detail: 'Only WeChat can change this; do not retry.',
  },
  phone_code_invalid: {
    status: 400,
    title: 'The phone code is not valid',
    detail:
      'It was used, is older than five minutes, or is not a code of the phone number button of this user. Ask the user to tap the button again.',
  },
  order_not_found: {
    status: 404,
    title: 'There is no such order',
    detail: 'There is no such order, or it belongs to another user.',
  },
  refund_not_found: {
    status: 404,
    title: 'There is no such refund',
    detail: 'There is no such refund, or it belongs to another user.',
  },
  complaint_not_found: {
    status: 404,
    title: 'There is no such complaint',
    detail: 'WeChat does not know a complaint with this number.',
  },
  part_not_found: {
    status: 404,
    title: 'There is no such part of the console',
    detail: '/openapi.json lists the parts of the console.',
  },
  incident_not_found: {
    status: 404,
    title: 'There is no such incident',
    detail: 'GET /api/console/incidents lists all incidents.',
  },
  incident_handled: {
    status: 409,
    title: 'The incident was handled before',
    detail: 'It was marked with another note, which is kept. GET /api/console/incidents shows it.',
  },
  event_not_found: {
    status: 404,
    title: 'There is no such event',
    detail: 'GET /api/console/events lists all events.',
  },
  complaint_busy: {
    status: 409,
    title: 'Another action is under way',
    detail:
      'Another action on this complaint is under way, or its answer was lost. Wait a minute, then send your request again. An action that WeChat already has is not sent twice.',
    headers: retryAfter(60),
  },
  order_conflict: {
    status: 409,
    title: 'The number or key is already used',
    detail: 'An order with this outTradeNo or Idempotency-Key exists with other content.',
  },
  order_paid: {
    status: 409,
    title: 'The order is paid',
    detail: 'Call /api/query for its payment; do not pay again.',
  },
  order_closed: {
    status: 409,
    title: 'The order is closed',
    detail: 'It was closed or has expired. Place a new order.',
  },
  order_not_paid: {
    status: 409,
    title: 'The order is not paid',
    detail:
      'Only a paid order can be refunded or shipped. If it was paid a moment ago, call GET /api/query first, which asks WeChat.',
  },
  shipping_complete: {
    status: 409,
    title: 'All parcels of the order were reported',
    detail:
      'No parcel can be added after the last one. To correct the report, send all parcels again with isAllDelivered true.',
  },
  shipping_corrected: {
    status: 409,
    title: 'The shipment was corrected',
    detail:
      'This request was sent before, and a later one has replaced it. WeChat does not have the later one yet, so nothing was changed. GET /api/shipping shows it.',
  },
  refund_conflict: {
    status: 409,
    title: 'The refund number is already used',
    detail: 'A refund with this outRefundNo exists with other content.',
  },
  refund_too_much: {
    status: 409,
    title: 'More than was paid',
    detail: 'All refunds of the order together would exceed the amount paid.',
  },
  payout_not_possible: {
    status: 409,
    title: 'The refund cannot be paid to another account',
    detail:
      'Only a refund in CHANGE can be paid to another account. GET /api/refund returns its state.',
  },
  payout_in_console_only: {
    status: 409,
    title: 'The refund must be finished in the merchant console',
    detail:
      'Its order was placed with APIv2, which has no call for this. Log in to pay.weixin.qq.com, open Transaction Center (交易中心), and handle the abnormal refund there. Its outcome is then found automatically.',
  },
  notice_contradicts: {
    status: 409,
    title: 'WeChat and the ledger disagree',
    detail: 'Nothing was changed, and the merchant was informed.',
  },
  bill_busy: {
    status: 409,
    title: 'The day is being compared',
    detail: 'Another request compares the bill of this day and will store the result.',
    headers: retryAfter(60),
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'The limit is 64 KiB.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Neither JSON nor a form',
    detail: 'Send application/json or application/x-www-form-urlencoded.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail: 'An unexpected error occurred. The log describes it under this requestId.',
  },
  wechat_untrusted: {
    status: 502,
    title: 'The answer was not genuine',
    detail:
      'The answer to our call to WeChat had no valid signature or could not be read, so it was ignored. It is safe to retry.',
  },
  wechat_unknown: {
    status: 503,
    title: 'WeChat did not answer',
    detail: 'The outcome is not known yet. It is safe to retry (a login: with a new code).',
    headers: RETRY_SOON,
  },
  wechat_busy: {
    status: 503,
    title: 'WeChat is busy',
    detail: 'WeChat accepts no more calls at the moment. It is safe to retry.',
    headers: RETRY_SOON,
  },
  bill_not_ready: {
    status: 503,
    title: 'The bill is not ready',
    detail:
      'WeChat has not made the bill of this day yet. Bills are ready at about ten in the morning, Beijing time.',
    headers: retryAfter(1_800),
  },
  too_slow: {
    status: 503,
    title: 'The request took too long',
    detail: 'The outcome is not known yet. It is safe to retry.',
    headers: RETRY_SOON,
  },
} as const satisfies Readonly<Record<string, Problem>>
