import type { Bills } from '../ports.ts'
import type { Sql } from './neon.ts'

/** Loads the statements for bills when they are first used, because only cron compares bills. */
export function loadBills(sql: Sql): Bills {
  const load = async () => (await import('./bills.ts')).createBills(sql)
  return {
    due: async (...days) => (await load()).due(...days),
    claim: async (...claim) => (await load()).claim(...claim),
    matchPayments: async (...rows) => (await load()).matchPayments(...rows),
    matchRefunds: async (...rows) => (await load()).matchRefunds(...rows),
    list: async (...differences) => (await load()).list(...differences),
    async *unbilledPayments(...claim) {
      yield* (await load()).unbilledPayments(...claim)
    },
    async *unbilledRefunds(...claim) {
      yield* (await load()).unbilledRefunds(...claim)
    },
    finish: async (...result) => (await load()).finish(...result),
    giveBack: async (...claim) => (await load()).giveBack(...claim),
  }
}
