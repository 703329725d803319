import { replaceOnce, type PlantedDefect } from './planted-defect.ts'

/** A rule of the product, and the change of the code that breaks it. */
interface Rule {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** Why no history can detect the defect. The ordinary tests detect it. */
  readonly unseen?: string
}

const RULES: readonly Rule[] = [
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
    what: 'a text that another product signed settles nothing by itself',
    file: 'lib/steps/handle-notification.ts',
    from: "return undocumented ?? (attach !== order?.attach && mayAttachHideFields ? 'attach' : null)",
    to: "return attach !== order?.attach && mayAttachHideFields ? 'attach' : null",
  },
  {
    what: 'fields hidden in attach settle nothing by themselves',
    file: 'lib/steps/handle-notification.ts',
    from: "return undocumented ?? (attach !== order?.attach && mayAttachHideFields ? 'attach' : null)",
    to: 'return undocumented',
  },
  {
    what: 'a payment of another product of APIv3 pays no order',
    file: 'lib/wechat/v3/notification.ts',
    from: "const OTHER_PRODUCTS = ['combine_out_trade_no', 'sp_mchid', 'sub_mchid']",
    to: 'const OTHER_PRODUCTS: readonly string[] = []',
  },
  {
    what: 'the payment of an earlier system pays no new order with its number',
    file: 'lib/steps/settle.ts',
    from: '(await deps.ledger.wasReportedMissing(order, confirmation))',
    to: 'true',
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
    what: 'a notification is never refused by a limit',
    file: 'api/notify.ts',
    from: 'export const post: Handler = async (request, deps) => {',
    to: `const taken = new Map<number, number>()
export const post: Handler = async (request, deps) => {
  const minute = Math.floor(Date.now() / 60_000)
  const calls = (taken.get(minute) ?? 0) + 1
  taken.set(minute, calls)
  if (calls > 10) return { ok: false, error: { reason: 'too_many_requests', retryAfterSeconds: 60 } }`,
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
    unseen: 'WeChat takes no payment for a closed order and closes no paid one',
  },
  {
    what: 'a shipment is stored only as it was planned, so that no parcel is lost',
    file: 'lib/stores/shipment-statements.ts',
    from: 'where s.content_hash = $11 and s.shipping_state = $12 and s.reported_parcels = $13::integer and s.request_hash is not distinct from $14',
    to: 'where num_nulls($11::text, $12::text, $13::integer, $14::text) >= 0',
  },
  {
    what: 'one run reports a shipment at a time',
    file: 'lib/stores/shipment-statements.ts',
    from: '(s.claim is not null and s.err_code is null and s.next_attempt_at > now())',
    to: 'false',
  },
  {
    what: 'an answer about earlier parcels does not count for later ones',
    file: 'lib/stores/shipment-statements.ts',
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
    what: 'complaint.created is sent once',
    file: 'lib/stores/complaints.ts',
    from: 'from saved where is_new',
    to: 'from saved',
  },
  {
    what: 'one warning is sent for each deadline',
    file: 'lib/stores/complaints.ts',
    from: 'where complaint_id = $1 and ${task}_warned_at is null',
    to: 'where complaint_id = $1',
  },
  {
    what: 'only one action on a complaint runs at a time',
    file: 'lib/stores/complaints.ts',
    from: 'and (acting_until is null or acting_until <= now()) returning',
    to: 'returning',
  },
  {
    what: 'an action that WeChat already has is not sent again',
    file: 'lib/steps/act-on-complaint.ts',
    from: `if (earlier.value) return ok('done')`,
    to: '',
  },
  {
    what: 'a payment in another currency is refused',
    file: 'lib/steps/settle.ts',
    from: `if (confirmation.feeType !== CURRENCY) return 'currency'`,
    to: '',
  },
  {
    what: 'only the payer of an order can pay it',
    file: 'lib/steps/settle.ts',
    from: `return confirmation.openid === order.openid ? null : 'payer'`,
    to: 'return null',
  },
  {
    what: 'a query compares the payment with the order, as a notification does',
    file: 'lib/steps/settle.ts',
    from: 'contradiction(order, confirmation) ??',
    to: `(source === 'query' ? null : contradiction(order, confirmation)) ??`,
  },
  {
    what: 'cron compares the payment with the order, as a notification does',
    file: 'lib/steps/settle.ts',
    from: 'contradiction(order, confirmation) ??',
    to: `(source === 'cron' ? null : contradiction(order, confirmation)) ??`,
  },
  {
    what: 'a payment made before its order was placed is refused',
    file: 'lib/steps/settle.ts',
    from: 'if (paidAt >= order.createdAt.getTime() - MAX_CLOCK_SKEW_MS) return null',
    to: 'if (paidAt > 0) return null',
  },
  {
    what: 'a prepay_id is used for two hours at most',
    file: 'lib/steps/prepay.ts',
    from: 'const PREPAY_LIFE_MS = 115 * 60_000',
    to: 'const PREPAY_LIFE_MS = 48 * 3_600_000',
  },
  {
    what: 'a closed order gets no signature',
    file: 'lib/steps/prepay.ts',
    from: `return isLate || known.value.tradeState === 'CLOSED'`,
    to: 'return isLate',
  },
  {
    what: 'an order is prepaid by its own payer only',
    file: 'lib/steps/prepay.ts',
    from: 'order === null || !maySee(caller, order)',
    to: 'order === null',
  },
  {
    what: 'an order is shown to its own payer only',
    file: 'lib/steps/query.ts',
    from: `if (!maySee(caller, order)) return err({ reason: 'order_not_found' })\n  return isFinal`,
    to: 'return isFinal',
  },
  {
    what: 'an order that is unknown to WeChat is closed for good only after it has expired',
    file: 'lib/steps/close.ts',
    from: `(closing.value === 'missing' && now > order.timeExpire)`,
    to: `closing.value === 'missing'`,
  },
  {
    what: 'a login is repeated for five minutes only',
    file: 'lib/steps/log-in.ts',
    from: 'const CODE_LIFE_MS = 5 * 60_000',
    to: 'const CODE_LIFE_MS = 500 * 60_000',
  },
  {
    what: 'an event is delivered by one instance at a time',
    file: 'lib/steps/deliver.ts',
    from: 'const LEASE_MS = 30_000',
    to: 'const LEASE_MS = 30',
  },
  {
    what: 'events of an order are delivered in sequence',
    file: 'lib/stores/outbox.ts',
    from: "earlier.seq < e.seq and ${IS_WAITING('earlier')}",
    to: 'earlier.seq < e.seq and false',
  },
  {
    what: 'every event of a batch is delivered',
    file: 'lib/steps/deliver.ts',
    from: `events.map((event) =>\n        guard(`,
    to: `events.slice(0, -1).map((event) =>\n        guard(`,
  },
  {
    what: 'a redirect is no success',
    file: 'lib/webhook/webhook.ts',
    from: 'status >= 200 && status < 300',
    to: 'status >= 200 && status < 400',
  },
  {
    what: 'a lock outlives its work',
    file: 'lib/stores/cache.ts',
    from: 'const LOCK_MS = 9_000',
    to: 'const LOCK_MS = 9',
    unseen:
      'WeChat answers two concurrent calls alike, so an expired lock costs only one more call',
  },
  {
    what: 'a refund that WeChat closed releases its claim',
    file: 'lib/stores/refunds.ts',
    from: `claimed_fee = o.claimed_fee - case when $2 = 'REFUNDCLOSE' then held.refund_fee else 0 end`,
    to: 'claimed_fee = o.claimed_fee',
  },
  {
    what: 'a refund that succeeded is counted',
    file: 'lib/stores/refunds.ts',
    from: `refunded_fee = o.refunded_fee + case when $2 = 'SUCCESS' then held.refund_fee else 0 end,`,
    to: '',
  },
  {
    what: 'a refund claims its amount before it is sent',
    file: 'lib/stores/refund-claims.ts',
    from: 'update orders o set claimed_fee = o.claimed_fee + stored.refund_fee from stored',
    to: 'update orders o set claimed_fee = o.claimed_fee from stored',
  },
  {
    what: 'a refund number with another amount is refused',
    file: 'lib/steps/request-refund.ts',
    from: 'existing.refundFee === draft.refundFee &&',
    to: 'existing.refundFee > 0 &&',
  },
  {
    what: 'a refund that WeChat may have made is not closed',
    file: 'lib/steps/resume-refund.ts',
    from: 'if (ours !== undefined) return applyKnownRefund(deps, claimed, ours)',
    to: '',
  },
  {
    what: 'a refund in progress does not count as money that has gone back',
    file: 'lib/steps/resume-refund.ts',
    from: `refundStatus === 'SUCCESS')\n    .reduce`,
    to: `refundStatus !== 'REFUNDCLOSE')\n    .reduce`,
  },
  {
    what: 'an idempotency key with another request is refused',
    file: 'lib/stores/place-orders.ts',
    from: 'existing.length === 1 && stored.requestHash === draft.requestHash',
    to: 'existing.length === 1',
  },
  {
    what: 'cron asks about orders that are closed only in the ledger',
    file: 'lib/stores/take-unfinished.ts',
    from: `or (\${row}.trade_state = 'CLOSED' and not \${row}.closed_at_wechat)`,
    to: '',
  },
  {
    what: 'order.closed is sent once',
    file: 'lib/stores/ledger.ts',
    from: `from closed where was = 'NOTPAY'`,
    to: 'from closed',
  },
  {
    what: 'a late answer of an earlier attempt does not reschedule an event',
    file: 'lib/stores/outbox.ts',
    from: 'and delivered_at is null and taken_at = $2::timestamptz',
    to: 'and $2::timestamptz is not null',
    unseen: 'the defect changes only when the event is sent again',
  },
  {
    what: 'an old message of APIv3 is refused',
    file: 'lib/wechat/v3/verify.ts',
    from: `if (Math.abs(now.getTime() - Number(timestamp) * 1000) >= WINDOW_MS) return 'time'`,
    to: '',
  },
  {
    what: 'a payment of another merchant is refused in APIv3',
    file: 'lib/wechat/v3/notification.ts',
    from: `if (read.output.appid !== appid || read.output.mchid !== mchId) return rejected('merchant')`,
    to: '',
  },
  {
    what: 'a difference between a bill and the ledger becomes an incident',
    file: 'lib/steps/reconcile-bill.ts',
    from: '  await recordIncidents(deps, claim, differences)\n',
    to: '',
  },
  {
    what: 'a payment that the bill lacks is a difference',
    file: 'lib/steps/reconcile-bill.ts',
    from: 'yield payments.map(unbilledPayment)',
    to: 'yield payments.slice(0, 0).map(unbilledPayment)',
  },
  {
    what: 'a payment that contradicts its order becomes an incident',
    file: 'lib/steps/settle.ts',
    from: '  await recordIncident(deps, {\n    ...incident,',
    to: '  void ({\n    ...incident,',
  },
  {
    what: 'if WeChat does not answer, an order is not reported as unpaid',
    file: 'lib/steps/refresh-order.ts',
    from: `if (!asked.ok) return asked\n  switch`,
    to: `if (!asked.ok) return ok(order)\n  switch`,
  },
  {
    what: 'an order whose refund is unknown is not settled',
    file: 'lib/steps/refresh-order.ts',
    from: 'if (!listed.ok) return listed',
    to: 'if (!listed.ok) return settle(deps, order, confirmation, source)',
  },
]

/** Defects that were made by hand: each breaks one rule of the product. */
export const semanticDefects: readonly PlantedDefect[] = RULES.map(
  ({ what, file, from, to, unseen }) => ({
    what,
    file,
    plant: replaceOnce(file, from, to),
    ...(unseen === undefined ? {} : { unseen }),
  }),
)
