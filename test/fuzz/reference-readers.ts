/**
 * Two independent readings of the same bytes: one by another WeChat Pay library with its own parser
 * and signature code, and one by the grammar of XML 1.0 without any parser.
 */
import * as v from 'valibot'
import { Aes, Hash, Transformer } from 'wechatpay-axios-plugin'

const flat = v.record(v.string(), v.string())

export interface OtherReading {
  /** The fields as the other library reads them; null if it throws or the message is not flat. */
  readonly fields: ReadonlyMap<string, string> | null
  /** Whether the other library accepts the signature, even if the message is not flat. */
  readonly accepts: boolean
}

const NONE: OtherReading = { fields: null, accepts: false }

/**
 * Reads a message with `wechatpay-axios-plugin`: its parser reads the fields, and its code verifies
 * the signature.
 */
export function readWithOtherLibrary(bytes: Uint8Array, key: string): OtherReading {
  try {
    const read: unknown = Transformer.toObject(Buffer.from(bytes).toString('utf8'))
    if (typeof read !== 'object' || read === null) return NONE
    const given: unknown = Reflect.get(read, 'sign')
    const strings = v.safeParse(flat, read)
    return {
      fields: strings.success ? new Map(Object.entries(strings.output)) : null,
      accepts: typeof given === 'string' && isSigned(read, given, key),
    }
  } catch {
    return NONE
  }
}

/** Whether the other library's code computes the same `sign` over the fields that we read. */
export function otherLibraryAccepts(fields: ReadonlyMap<string, string>, key: string): boolean {
  return isSigned(Object.fromEntries(fields), fields.get('sign') ?? '', key)
}

function isSigned(fields: object, given: string, key: string): boolean {
  return Hash.equals(
    Hash.sign(given.length === 64 ? Hash.ALGO_HMAC_SHA256 : Hash.ALGO_MD5, fields, key),
    given,
  )
}

/** Decrypts and reads a refund notification with the other library; null if decryption fails. */
export function openRefundWithOtherLibrary(
  reqInfo: string,
  key: string,
): { decrypted: Uint8Array; fields: ReadonlyMap<string, string> | null } | null {
  try {
    const decrypted = Buffer.from(Aes.AesEcb.decrypt(reqInfo, Hash.md5(key)), 'utf8')
    return { decrypted, fields: readWithOtherLibrary(decrypted, key).fields }
  } catch {
    return null
  }
}

const BLANK = String.raw`[ \t\r\n]*`
const PROLOGUE = new RegExp(String.raw`^\uFEFF*(?:<\?xml(?:(?!\?>)[^])*\?>)?${BLANK}`, 'u')
const FIELD = new RegExp(
  String.raw`${BLANK}<([A-Za-z]\w*)${BLANK}(?:/>|>((?:<!\[CDATA\[(?:(?!\]\]>)[^])*\]\]>|[^<])*)</([A-Za-z]\w*)${BLANK}>)`,
  'uy',
)
const PART = /<!\[CDATA\[((?:(?!\]\]>)[^])*)\]\]>|([^<]+)/gu
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/**
 * Reads the fields by the grammar of a flat message; null if the text does not match it exactly.
 */
export function readByGrammar(bytes: Uint8Array, root: string): ReadonlyMap<string, string> | null {
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(PROLOGUE, '')
  const shell = new RegExp(
    String.raw`^<${root}${BLANK}(?:/>${BLANK}|>([^]*)</${root}${BLANK}>${BLANK})$`,
    'u',
  ).exec(text)
  if (shell === null) return null
  const inside = withoutTrailingBlanks(shell[1] ?? '')
  const fields = new Map<string, string>()
  FIELD.lastIndex = 0
  while (FIELD.lastIndex < inside.length) {
    const [, name = '', content = '', end = name] = FIELD.exec(inside) ?? []
    if (name === '' || name !== end || fields.has(name)) return null
    const value = content.replaceAll(
      PART,
      (_, cdata: string | undefined, plain = '') => cdata ?? decode(String(plain)),
    )
    fields.set(name, value)
  }
  return fields
}

/** Not a regular expression: it would take quadratic time on a long run of blanks. */
function withoutTrailingBlanks(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\n'.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

const decode = (plain: string): string =>
  decodeReferences(plain, /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/gu)

/** Replaces character references by their characters. Entities stay as they are. */
export const decodeReferences = (
  text: string,
  pattern = /&(?:#x([0-9a-fA-F]+)|#(\d+));/gu,
): string =>
  text.replaceAll(
    pattern,
    (whole, hex: string | undefined, decimal: string | undefined, name: unknown) => {
      if (hex === undefined && decimal === undefined) return ENTITIES[String(name)] ?? whole
      const code = hex === undefined ? Number(decimal) : parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
