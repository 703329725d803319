/** How the faults are written down. */
import type { Patient } from '../../../dev/doctor/check.ts'
import type { Status } from '../../../dev/doctor/finding.ts'
import type { Fault } from '../../../dev/wechat/faults.ts'
import type { Clinic } from '../doctor-clinic.ts'

export type Change = Partial<Patient>

/** Brings it about; what it leaves behind is undone by the clinic. */
type Bring = (clinic: Clinic) => Change | Promise<Change>

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

/** As production judges it. Only for what nobody is asked about: what is asked would be the real ones. */
export const forReal =
  (change: Readonly<Record<string, string | undefined>>): Bring =>
  (clinic) =>
    clinic.changed({
      WECHAT_API_URL: undefined,
      WECHAT_PAY_URL: undefined,
      NEON_HTTP_ENDPOINT: undefined,
      DATABASE_URL: 'postgresql://shop:pw@ep-cool-name-123456.ap-southeast-1.aws.neon.tech/shop',
      PUBLIC_URL: 'https://pay.shop.example',
      ORDER_WEBHOOK_URL: 'https://erp.shop.example/events',
      VERCEL_ENV: 'production',
      ...change,
    })
