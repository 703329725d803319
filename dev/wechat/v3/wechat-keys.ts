/** The keys that WeChat signs with: public keys by their ids, and platform certificates. */
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  randomInt,
  type KeyObject,
} from 'node:crypto'
import * as v from 'valibot'
import { toRfc3339 } from '../beijing.ts'
import { writeCertificate } from './platform-certificate.ts'
import { modes, type StoredKeys } from './stored-keys.ts'

const DAY_MS = 86_400_000
const CERTIFICATE_DAYS = 1826
/** WeChat issues the next certificate before the last one ends. */
const RENEWED_BEFORE_MS = 10 * DAY_MS

const DAYS = 'must be a number of days, above 0 and at most 3653'

/** A change of keys. `rotate` adds a key, and the old one stays valid until it is retired. */
export const keyChangeSchema = v.strictObject({
  mode: v.exactOptional(v.picklist(modes, 'must be public-key, certificates or change-over')),
  rotate: v.exactOptional(
    v.picklist(['public-key', 'certificate'], 'must be public-key or certificate'),
  ),
  validForDays: v.exactOptional(v.pipe(v.number(DAYS), v.gtValue(0, DAYS), v.maxValue(3653, DAYS))),
  retire: v.exactOptional(v.string('must be the id or the serial number of a key')),
})

export type KeyChange = v.InferOutput<typeof keyChangeSchema>

export interface SigningKey {
  /** The value of `Wechatpay-Serial`. */
  readonly serial: string
  readonly privateKey: KeyObject
}

export interface PlatformCertificate extends SigningKey {
  readonly pem: string
  readonly effectiveAt: number
  readonly expiresAt: number
}

/** The keys without their private parts. */
export interface KeyList {
  readonly mode: (typeof modes)[number]
  readonly publicKeys: readonly { readonly id: string; readonly pem: string }[]
  readonly certificates: readonly {
    readonly serial: string
    readonly pem: string
    readonly effectiveTime: string
    readonly expireTime: string
  }[]
}

export class WechatKeys {
  readonly #mchId: string
  readonly #now: () => number
  readonly #newPrivateKey: () => KeyObject
  readonly #configuredId: string | null
  #mode: KeyList['mode']
  /** Oldest first, as the certificates. */
  #publicKeys: readonly SigningKey[] = []
  #certificates: readonly PlatformCertificate[] = []
  #foreign: SigningKey | undefined

  constructor(options: {
    mchId: string
    now: () => number
    publicKey: { readonly id: string; readonly privateKey: string } | undefined
    newPrivateKey: () => KeyObject
    /** The keys of the run before, if there was one. */
    stored: StoredKeys | null
  }) {
    const { publicKey, stored } = options
    this.#mchId = options.mchId
    this.#now = options.now
    this.#newPrivateKey = options.newPrivateKey
    this.#configuredId = publicKey?.id ?? null
    this.#mode = publicKey === undefined ? 'certificates' : 'public-key'
    if (stored !== null && isStillConfigured(stored, this.#configuredId)) {
      this.#mode = stored.mode
      this.#publicKeys = stored.publicKeys.map(withPrivateKey)
      this.#certificates = stored.certificates.map(withPrivateKey)
    } else if (publicKey !== undefined)
      this.#publicKeys = [withPrivateKey({ ...publicKey, serial: publicKey.id })]
  }

  /** Everything that the next run needs. */
  stored(): StoredKeys {
    return {
      configuredId: this.#configuredId,
      mode: this.#mode,
      publicKeys: this.#publicKeys.map(withPem),
      certificates: this.#certificates.map(withPem),
    }
  }

  /** @throws TypeError if the key to retire does not exist or is the last one */
  change({ mode, rotate, validForDays, retire }: KeyChange): void {
    if (mode !== undefined) this.#mode = mode
    if (rotate === 'public-key') this.#publicKeys = [...this.#publicKeys, this.#newPublicKey()]
    if (rotate === 'certificate') {
      const certificate = this.#newCertificate(validForDays ?? CERTIFICATE_DAYS)
      this.#certificates = [...this.certificates(), certificate]
    }
    if (retire !== undefined) this.#retire(retire)
    if (this.#mode !== 'certificates' && this.#publicKeys.length === 0)
      this.#publicKeys = [this.#newPublicKey()]
  }

  #retire(serial: string): void {
    const known = this.#inUse()
    if (!known.some((key) => key.serial === serial)) throw new TypeError('there is no such key')
    if (known.length === 1) throw new TypeError('the last key cannot be retired')
    this.#publicKeys = this.#publicKeys.filter((key) => key.serial !== serial)
    this.#certificates = this.#certificates.filter((key) => key.serial !== serial)
  }

  list(): KeyList {
    return {
      mode: this.#mode,
      publicKeys: this.#publicKeys.map(({ serial, privateKey }) => ({
        id: serial,
        pem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
      })),
      certificates: this.certificates().map(({ serial, pem, effectiveAt, expiresAt }) => ({
        serial,
        pem,
        effectiveTime: toRfc3339(effectiveAt),
        expireTime: toRfc3339(expiresAt),
      })),
    }
  }

  /** The valid platform certificates, oldest first. A merchant with a public key only has none. */
  certificates(): readonly PlatformCertificate[] {
    if (this.#mode === 'public-key') return []
    const now = this.#now()
    this.#certificates = this.#certificates.filter(({ expiresAt }) => expiresAt > now)
    if (!this.#certificates.some(({ expiresAt }) => expiresAt - now > RENEWED_BEFORE_MS))
      this.#certificates = [...this.#certificates, this.#newCertificate(CERTIFICATE_DAYS)]
    return this.#certificates
  }

  find(serial: string): SigningKey | undefined {
    return this.#inUse().find((key) => key.serial === serial)
  }

  /** An answer is signed with the key that the request names, otherwise with the newest one. */
  forAnswer(serial: string | null): SigningKey {
    const named = serial === null ? undefined : this.find(serial)
    return named ?? this.#newest()
  }

  /** Deliveries of a notification take all valid keys in turn, the newest one first. */
  forNotification(round: number): SigningKey {
    const keys = this.#inUse()
    return keys.at(-1 - (round % keys.length)) ?? this.#newest()
  }

  /** A key that is not WeChat's. */
  foreign(): SigningKey {
    this.#foreign ??= { serial: newSerial(), privateKey: this.#newPrivateKey() }
    return this.#foreign
  }

  #inUse(): readonly SigningKey[] {
    return [...this.certificates(), ...(this.#mode === 'certificates' ? [] : this.#publicKeys)]
  }

  #newest(): SigningKey {
    const newest = this.#inUse().at(-1)
    if (newest === undefined) throw new Error('WeChat has no key')
    return newest
  }

  #newPublicKey(): SigningKey {
    const digits = Array.from({ length: 20 }, () => randomInt(10)).join('')
    return { serial: `PUB_KEY_ID_01${this.#mchId}${digits}`, privateKey: this.#newPrivateKey() }
  }

  #newCertificate(days: number): PlatformCertificate {
    const privateKey = this.#newPrivateKey()
    const serial = newSerial()
    // X.509 knows no fractions of a second.
    const effectiveAt = Math.floor(this.#now() / 1000) * 1000
    const expiresAt = effectiveAt + Math.floor(days * 86_400) * 1000
    const pem = writeCertificate(serial, privateKey, { from: effectiveAt, to: expiresAt })
    return { serial, privateKey, pem, effectiveAt, expiresAt }
  }
}

/**
 * Whether the settings belong to these keys: they are the same as in the run before, or name a
 * public key to which WeChat rotated. Other settings are those of another merchant, for whom the
 * stored keys are not used.
 */
const isStillConfigured = (stored: StoredKeys, configuredId: string | null): boolean =>
  stored.configuredId === configuredId ||
  stored.publicKeys.some(({ serial }) => serial === configuredId)

const withPrivateKey = <K extends { readonly privateKey: string }>(key: K) => ({
  ...key,
  privateKey: createPrivateKey(key.privateKey),
})

const withPem = <K extends SigningKey>(key: K) => ({
  ...key,
  privateKey: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
})

const newSerial = (): string => `5${randomBytes(20).toString('hex').slice(1).toUpperCase()}`
