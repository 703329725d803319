/** All checks, in the order in which a shop is set up. */
import { address } from './address.ts'
import { api } from './api.ts'
import type { Check } from './check.ts'
import { database } from './database.ts'
import { events } from './events.ts'
import { miniProgram } from './mini-program.ts'
import { orderPage } from './order-page.ts'
import { pay } from './pay.ts'
import { push } from './push.ts'
import { redis } from './redis.ts'
import { refunds } from './refunds.ts'
import { secrets } from './secrets.ts'
import { shipping } from './shipping.ts'

export const checks: readonly Check[] = [
  miniProgram,
  api,
  pay,
  refunds,
  database,
  redis,
  secrets,
  address,
  push,
  shipping,
  orderPage,
  events,
]
