/** Loads the statements of the console when they are first used: only its function needs them. */
import type { EventLog, Incidents } from '../ports.ts'
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
