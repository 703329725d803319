/** One guard in the code, and the change that removes it. */
export interface Guard {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
}

export const guards: readonly Guard[] = [
  {
    what: 'one payment pays one order (unique constraint)',
    file: 'lib/stores/tables.ts',
    from: 'transaction_id text not null unique,',
    to: 'transaction_id text not null,',
  },
  {
    what: 'only an unpaid order becomes paid (compare in the settle statement)',
    file: 'lib/stores/ledger.ts',
    from: `total_fee = $2::integer and trade_state in ('NOTPAY', 'CLOSED')`,
    to: `total_fee = $2::integer`,
  },
  {
    what: 'the amount of a payment is the amount of its order',
    file: 'lib/steps/settle.ts',
    from: `if (confirmation.totalFee !== order.totalFee) return 'amount'`,
    to: '',
  },
  {
    what: 'only its holder releases a lock',
    file: 'lib/stores/cache.ts',
    from: `if redis.call('get', KEYS[1]) == ARGV[1] then return redis`,
    to: 'if true then return redis',
  },
  {
    what: 'a cached prepay_id is used only for its own order',
    file: 'lib/steps/prepay.ts',
    from: 'kept.key === key && ',
    to: '',
  },
  {
    what: 'a notification needs a valid signature',
    file: 'lib/wechat/v2/sign.ts',
    from: `return timingSafeEqual(given, Buffer.from(sign(fields, key, type), 'utf8')) ? type : null`,
    to: 'return type',
  },
  {
    what: 'an answer of APIv3 needs a valid signature',
    file: 'lib/wechat/v3/verify.ts',
    from: `return isSigned(signed, signature, key) ? null : 'signature'`,
    to: 'return null',
  },
  {
    what: 'an unsigned refusal of APIv3 decides nothing',
    file: 'lib/wechat/v3/call.ts',
    from: `return fault ?? err({ reason: 'wechat_untrusted', check })`,
    to: `if (!isUnsigned || error === null) return fault ?? err({ reason: 'wechat_untrusted', check })`,
  },
  {
    what: 'a notification of the other protocol settles nothing by itself',
    file: 'lib/steps/handle-notification.ts',
    from: 'if (order !== null && order.account.protocol !== protocol) return `protocol ${protocol}`',
    to: '',
  },
  {
    what: 'the amount of a refund is the amount that was requested',
    file: 'lib/steps/refresh-refund.ts',
    from: 'refundFee !== stored.refundFee || outTradeNo !== stored.outTradeNo',
    to: 'outTradeNo !== stored.outTradeNo',
  },
  {
    what: 'refunds never exceed the payment',
    file: 'lib/stores/schema.ts',
    from: 'check (claimed_fee between refunded_fee and total_fee)',
    to: 'check (claimed_fee >= 0)',
  },
  {
    what: 'a refund is settled once',
    file: 'lib/stores/refunds.ts',
    from: `refund_status in ('PROCESSING', 'CHANGE') and refund_status <> $2`,
    to: 'true',
  },
  {
    what: 'a notification is acknowledged only after the payment is stored',
    file: 'lib/steps/handle-notification.ts',
    from: `return settled.ok ? ok('taken') : settled`,
    to: `return ok('taken')`,
  },
  {
    what: 'an event is marked as delivered only after the webhook accepted it',
    file: 'lib/steps/deliver.ts',
    from: 'if (sent.ok)',
    to: 'if (sent)',
  },
  {
    what: 'states move forward only (close)',
    file: 'lib/stores/ledger.ts',
    from: `where out_trade_no = $1 and trade_state in ('NOTPAY', 'CLOSED')\n    for update`,
    to: 'where out_trade_no = $1\n    for update',
  },
  {
    what: 'a shipment is stored only as it was planned, so that no parcel is lost',
    file: 'lib/stores/shipments.ts',
    from: 'where s.content_hash = $11 and s.shipping_state = $12',
    to: 'where $11::text is not null and $12::text is not null',
  },
  {
    what: 'an answer about earlier parcels does not count for later ones',
    file: 'lib/stores/shipments.ts',
    from: 'where out_trade_no = $1 and content_hash = $2 returning *`,',
    to: 'where out_trade_no = $1 and $2::text is not null returning *`,',
  },
  {
    what: 'a shipment is retried after a quota is used up',
    file: 'lib/wechat/shipping-codes.ts',
    from: '[45009, later(',
    to: '[45009, never(',
  },
  {
    what: 'a complaint is told once',
    file: 'lib/stores/complaints.ts',
    from: 'from saved where is_new',
    to: 'from saved',
  },
  {
    what: 'a deadline is warned of once',
    file: 'lib/stores/complaints.ts',
    from: 'where complaint_id = $1 and ${task}_warned_at is null',
    to: 'where complaint_id = $1',
  },
  {
    what: 'only one action on a complaint runs at a time',
    file: 'lib/stores/complaints.ts',
    from: 'and (acting_until is null or acting_until <= $2::timestamptz) returning',
    to: 'and $2::timestamptz is not null returning',
  },
  {
    what: 'an action that WeChat already has is not sent again',
    file: 'lib/steps/act-on-complaint.ts',
    from: `if (earlier.value) return ok('done')`,
    to: '',
  },
]
