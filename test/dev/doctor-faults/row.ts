/** The form in which the faults are listed. */
import type { Patient } from '../../../dev/doctor/check.ts'
import type { Status } from '../../../dev/doctor/finding.ts'
import type { Fault } from '../../../dev/wechat/faults.ts'
import type { DoctorSetup } from '../doctor-setup.ts'

export type Change = Partial<Patient>

/** Brings the fault about. `recover` undoes its effects. */
type Bring = (setup: DoctorSetup) => Change | Promise<Change>

export type Row = readonly [
  fault: string,
  check: string,
  code: string,
  status: Status,
  /** Milliseconds and the ports of stand-ins are written as `…`. */
  what: string,
  bring: Bring,
]

export const OTHER_KEY = 'ApiV2KeyOfTheClinic0000000000002'

export const misbehaving =
  (fault: Fault): Bring =>
  ({ shop }) => {
    shop.wechat.misbehave(fault)
    return {}
  }

/**
 * A production environment. Only for checks without requests, because they would reach the real
 * services.
 */
export const forReal =
  (change: Readonly<Record<string, string | undefined>>): Bring =>
  (setup) =>
    setup.changed({
      WECHAT_API_URL: undefined,
      WECHAT_PAY_URL: undefined,
      NEON_HTTP_ENDPOINT: undefined,
      DATABASE_URL: 'postgresql://shop:pw@ep-cool-name-123456.ap-southeast-1.aws.neon.tech/shop',
      PUBLIC_URL: 'https://pay.shop.example',
      ORDER_WEBHOOK_URL: 'https://erp.shop.example/events',
      VERCEL_ENV: 'production',
      ...change,
    })
