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
    from: `if redis.call('get', KEYS[1]) == ARGV[1] then return`,
    to: 'if true then return',
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
]
