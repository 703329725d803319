/** The one client of this app. */
import { baseUrl } from './config'
import { createPay } from './pay'
import { withSimulatedCashier } from './simulated-cashier'

/** WeChat's phones take https only, so that without it this is the local world, where nobody can pay. */
const isLocal = baseUrl.startsWith('http:')

export const client = createPay({
  baseUrl,
  platform: isLocal ? withSimulatedCashier(wx, baseUrl) : wx,
})
