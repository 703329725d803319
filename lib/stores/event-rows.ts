import * as v from 'valibot'
import type { StoredEvent } from '../ports.ts'

/**
 * Any type is accepted, so that after a rollback the events of the later version are still
 * delivered.
 */
export const eventType = v.custom<StoredEvent['type']>((type) => typeof type === 'string')

export const eventData = v.custom<StoredEvent['data']>(
  (data) => typeof data === 'object' && data !== null,
)
