/** The notifications that the simulated WeChat sends. */
import * as v from 'valibot'

const fieldsSchema = v.record(v.string(), v.string())
const notificationSchema = v.object({
  outTradeNo: v.string(),
  /** Null or empty for APIv3. */
  message: fieldsSchema,
  /** The content of a refund notification of v2, which is encrypted. */
  reqInfo: v.nullable(fieldsSchema),
  v3: v.nullable(v.object({ eventType: v.string(), plain: v.string() })),
})
export const notificationsSchema = v.object({ notifications: v.array(notificationSchema) })

export type Notification = v.InferOutput<typeof notificationSchema>

export const isRefund = ({ reqInfo, v3 }: Notification): boolean =>
  reqInfo !== null || v3?.eventType.startsWith('REFUND') === true

const contentSchema = v.record(v.string(), v.unknown())

/** The fields that can be changed. A field inside an object of APIv3 is named by its path. */
export function fieldsOf({
  message,
  reqInfo,
  v3,
}: Notification): Readonly<Record<string, string | number>> {
  if (v3 === null) return { ...message, ...reqInfo }
  const content: unknown = JSON.parse(v3.plain)
  return Object.fromEntries(leavesOf(content, []))
}

function leavesOf(
  value: unknown,
  path: readonly string[],
): readonly (readonly [string, string | number])[] {
  if (typeof value === 'string' || typeof value === 'number') return [[path.join('.'), value]]
  const read = v.safeParse(contentSchema, value)
  return read.success
    ? Object.entries(read.output).flatMap(([name, inner]) => leavesOf(inner, [...path, name]))
    : []
}
