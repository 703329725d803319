import type { Complaints } from '../ports.ts'
import type { Sql } from './neon.ts'

/** Loads the statements for complaints when they are first used: most requests need none. */
export function loadComplaints(sql: Sql): Complaints {
  const load = async () => (await import('./complaints.ts')).createComplaints(sql)
  return {
    report: async (...reported) => (await load()).report(...reported),
    save: async (...described) => (await load()).save(...described),
    postpone: async (...next) => (await load()).postpone(...next),
    warn: async (...warning) => (await load()).warn(...warning),
    takeDue: async (...due) => (await load()).takeDue(...due),
    find: async (id) => (await load()).find(id),
    findAll: async (ids) => (await load()).findAll(ids),
    list: async (filter) => (await load()).list(filter),
    claim: async (...claim) => (await load()).claim(...claim),
    release: async (...claim) => (await load()).release(...claim),
  }
}
