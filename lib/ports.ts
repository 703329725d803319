/**
 * The ports of the steps, in the words of payments. No step knows which protocol, database or cache
 * is behind a port.
 */
import type { Account } from './core/account.ts'
import type { LogFields } from './core/log-fields.ts'
import type { LogisticsType } from './core/shipment.ts'
import type { BillReports } from './ports/bill-reports.ts'
import type { Bills } from './ports/bills.ts'
import type { Cache } from './ports/cache.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { ComplaintGateway, Complaints } from './ports/complaints.ts'
import type { EventLog } from './ports/event-log.ts'
import type { Gateways } from './ports/gateway.ts'
import type { Incidents } from './ports/incidents.ts'
import type { Ledger } from './ports/ledger.ts'
import type { MiniPrograms } from './ports/mini-program.ts'
import type { Notifications } from './ports/notifications.ts'
import type { DelayedCalls, Outbox, Webhook } from './ports/outbox.ts'
import type { OrderHistory } from './ports/order-history.ts'
import type { OrderSearch } from './ports/order-search.ts'
import type { Overviews } from './ports/overview.ts'
import type { Refunds } from './ports/refunds.ts'
import type { Settlements, TradeManagement } from './ports/settlements.ts'
import type { Shipments } from './ports/shipments.ts'
import type { Tokens, Users } from './ports/users.ts'

export type * from './ports/bill-reports.ts'
export type * from './ports/bills.ts'
export type * from './ports/cache.ts'
export type * from './ports/catalogue.ts'
export type * from './ports/complaints.ts'
export type * from './ports/event-log.ts'
export type * from './ports/gateway.ts'
export type * from './ports/incidents.ts'
export type * from './ports/ledger.ts'
export type * from './ports/limits.ts'
export type * from './ports/mini-program.ts'
export type * from './ports/notifications.ts'
export type * from './ports/outbox.ts'
export type * from './ports/order-history.ts'
export type * from './ports/order-search.ts'
export type * from './ports/overview.ts'
export type * from './ports/refunds.ts'
export type * from './ports/settlements.ts'
export type * from './ports/shipments.ts'
export type * from './ports/users.ts'

export interface Clock {
  now(): Date
  /** Time left for this request, or for the work after its answer, in milliseconds. */
  timeLeft(): number
  sleep(ms: number): Promise<void>
}

export interface Deps {
  /** The account that new orders are placed under. */
  readonly account: Account
  readonly gateway: Gateways
  readonly miniProgram: MiniPrograms
  /** Null without the settings of APIv3, which complaints need. */
  readonly complaintGateway: ComplaintGateway | null
  readonly notifications: Notifications
  readonly users: Users
  readonly catalogue: Catalogue
  readonly ledger: Ledger
  readonly refunds: Refunds
  readonly shipments: Shipments
  readonly settlements: Settlements
  readonly complaints: Complaints
  readonly tradeManagement: TradeManagement
  readonly bills: Bills
  readonly outbox: Outbox
  readonly eventLog: EventLog
  readonly incidents: Incidents
  readonly overviews: Overviews
  readonly billReports: BillReports
  readonly orderSearch: OrderSearch
  readonly orderHistory: OrderHistory
  /** Null if no webhook is configured: events are stored and not delivered. */
  readonly webhook: Webhook | null
  /** Schedules calls of cron. Null without a queue: only cron's own schedule calls it. */
  readonly delayedCalls: DelayedCalls | null
  readonly cache: Cache
  readonly tokens: Pick<Tokens, 'issue'>
  readonly clock: Clock
  /**
   * The most orders of one payer that have not expired and may still be paid: unpaid, or closed
   * here and not yet at WeChat.
   */
  readonly maxOpenOrders: number
  /** How every payment is reported as shipped automatically. Null: only the merchant reports. */
  readonly autoShipping: LogisticsType | null
  /**
   * Whether the shop confirms that it may sell virtual goods by ordinary payment. If not, no order
   * is placed that would be shipped as virtual. Earlier payments are still shipped.
   */
  readonly virtualGoodsAllowed: boolean
  /** The URL of the notify function. */
  readonly notifyUrl: string
  readonly randomBytes: (count: number) => Uint8Array
  /** True if this instance has not caught up recently. A true result begins the next pause. */
  readonly isCatchUpDue: () => boolean
  /**
   * Runs work after the answer, then delivers the events that it or the request has written. The
   * work has its own time limit, and the instance is not frozen before it ends. A failure is only
   * logged.
   */
  readonly waitUntil: (work: () => Promise<unknown>) => void
  /** Sets the order that the log lines of this request name. */
  readonly setLogOrder: (outTradeNo: string) => void
  readonly log: (fields: LogFields) => void
  /** Logs an unexpected error with its file and line. */
  readonly logBug: (cause: unknown, order?: string) => void
}
