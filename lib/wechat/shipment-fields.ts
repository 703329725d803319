/** WeChat's numbers and texts for a shipment, in reports and in answers. */
import type { LogisticsType } from '../core/shipment.ts'
import { cleanText } from './text.ts'

export const WIRE_TYPE = {
  express: 1,
  local_delivery: 2,
  virtual: 3,
  self_pickup: 4,
} as const satisfies Readonly<Record<LogisticsType, number>>

export const UNIFIED = 1
export const SPLIT = 2

/** The description of a parcel as WeChat gets and shows it. */
export const toItemDesc = (itemDesc: string): string => cleanText(itemDesc, 360).slice(0, 120)
