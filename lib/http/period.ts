/** The filter by time of the console's lists. */
import * as v from 'valibot'
import type { Period } from '../ports.ts'
import { queryMoment } from './fields.ts'

interface Times {
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

export const periodFields = { from: v.optional(queryMoment), to: v.optional(queryMoment) }

export const LATER_THAN_FROM = 'a time after from'
export const isInOrder = ({ from, to }: Times): boolean =>
  from === undefined || to === undefined || from < to

export const toPeriod = ({ from, to }: Times): Period | null =>
  from === undefined && to === undefined ? null : { from: from ?? null, to: to ?? null }
