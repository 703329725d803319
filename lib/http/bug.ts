import { writeLog } from '../log.ts'
import { sourceLocation } from './source-location.ts'

/** Far longer than an SQLSTATE or a code of Node.js, such as `ERR_INVALID_ARG_TYPE`. */
const LONGEST_CODE = 64

/**
 * Logs only the kind and the location of an unexpected error, because its message may quote a
 * statement, a URL or a value.
 */
export function writeBug(cause: unknown, order?: string): void {
  const where =
    cause instanceof Error
      ? `${cause.name} in ${sourceLocation(cause) ?? 'an unknown place'}`
      : `${typeof cause} in an unknown place`
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
      ? cause.code.slice(0, LONGEST_CODE)
      : undefined
  writeLog({
    level: 'error',
    event: 'bug',
    ...(order === undefined ? {} : { order }),
    ...(code === undefined ? {} : { code }),
    detail: where,
  })
}
