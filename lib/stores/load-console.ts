/** Loads the statements of the console when they are first used: only its function needs them. */
import type {
  BillReports,
  EventLog,
  Incidents,
  OrderHistory,
  OrderSearch,
  Overviews,
} from '../ports.ts'
import type { Sql } from './neon.ts'

export function loadIncidents(sql: Sql): Incidents {
  const load = async () => (await import('./incidents.ts')).createIncidents(sql)
  return {
    list: async (filter) => (await load()).list(filter),
    handle: async (...handled) => (await load()).handle(...handled),
  }
}

export function loadEventLog(sql: Sql): EventLog {
  const load = async () => (await import('./event-log.ts')).createEventLog(sql)
  return {
    list: async (filter) => (await load()).list(filter),
    sendAgain: async (...event) => (await load()).sendAgain(...event),
  }
}

export function loadOverviews(sql: Sql): Overviews {
  const load = async () => (await import('./overviews.ts')).createOverviews(sql)
  return {
    overview: async (...days) => (await load()).overview(...days),
    takings: async (...days) => (await load()).takings(...days),
  }
}

export function loadBillReports(sql: Sql): BillReports {
  const load = async () => (await import('./bill-reports.ts')).createBillReports(sql)
  return {
    days: async (...days) => (await load()).days(...days),
    differences: async (...page) => (await load()).differences(...page),
  }
}

export function loadOrderSearch(sql: Sql): OrderSearch {
  const load = async () => (await import('./order-search.ts')).createOrderSearch(sql)
  return { find: async (search) => (await load()).find(search) }
}

export function loadOrderHistory(sql: Sql): OrderHistory {
  const load = async () => (await import('./order-history.ts')).createOrderHistory(sql)
  return { read: async (outTradeNo) => (await load()).read(outTradeNo) }
}
