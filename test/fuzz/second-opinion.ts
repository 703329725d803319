/**
 * Two other readings of the same bytes: one by another WeChat Pay library, with its own parser settings and its own
 * signatures, and one by the letter of XML 1.0, with nothing of a parser in it.
 */
import * as v from 'valibot'
import { Aes, Hash, Transformer } from 'wechatpay-axios-plugin'

const flat = v.record(v.string(), v.string())

export interface SecondOpinion {
  /** The fields as it reads them; null where it throws, or reads something that is no flat message. */
  readonly fields: ReadonlyMap<string, string> | null
  /** Whether it would take the message as rightly signed, flat or not. */
  readonly accepts: boolean
}

const NONE: SecondOpinion = { fields: null, accepts: false }

/** What `wechatpay-axios-plugin` makes of a message: read by its parser, signed again by its own code, compared. */
export function secondOpinion(bytes: Uint8Array, key: string): SecondOpinion {
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

/** Whether its signature code, given our reading, comes to the same `sign`. */
export function acceptsFields(fields: ReadonlyMap<string, string>, key: string): boolean {
  return isSigned(Object.fromEntries(fields), fields.get('sign') ?? '', key)
}

function isSigned(fields: object, given: string, key: string): boolean {
  return Hash.equals(
    Hash.sign(given.length === 64 ? Hash.ALGO_HMAC_SHA256 : Hash.ALGO_MD5, fields, key),
    given,
  )
}

/** The inside of a refund notification as the other library decrypts and reads it; null where it does not. */
export function secondOpinionOnRefund(
  reqInfo: string,
  key: string,
): { inside: Uint8Array; fields: ReadonlyMap<string, string> | null } | null {
  try {
    const inside = Buffer.from(Aes.AesEcb.decrypt(reqInfo, Hash.md5(key)), 'utf8')
    return { inside, fields: secondOpinion(inside, key).fields }
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

/** The fields by the grammar of a flat message; null for anything that does not fit it to the letter. */
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
  const inside = withoutTail(shell[1] ?? '')
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

/** By hand, for a pattern would look at a long run of blanks again and again. */
function withoutTail(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\n'.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

const decode = (plain: string): string =>
  decodeReferences(plain, /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/gu)

/** The character references in a text as the characters they are; entities are left as they stand. */
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
