/**
 * WeChat's platform certificates, for merchants without a WeChat Pay public key.
 *
 * They are downloaded, decrypted with the APIv3 key and verified with a key that they bring. Other
 * instances use the same download: the shared store keeps WeChat's answer as it came, so each
 * instance decrypts it itself, and a store that was tampered with brings no foreign key.
 */
import { X509Certificate, type KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { ConfigError } from '../../core/failure.ts'
import type { Shared } from '../../ports.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import { CALL_MS } from '../deadlines.ts'
import { send } from './call.ts'
import { withoutUnderscores } from './codes.ts'
import { readError } from './error-body.ts'
import { readJson } from './json.ts'
import type { PlatformKeys } from './platform-keys.ts'
import { openResource, sealedResource } from './resource.ts'
import type { V3Settings, V3Tools } from './settings.ts'
import { verifyMessage } from './verify.ts'

/** By merchant number: WeChat's answer, and when it came. */
export type SharedCertificates = Shared<string>

const PATH = '/v3/certificates'
const OK = 200
const NOT_FOUND = 404

/** The shortest time between two downloads because of an unknown or a refused serial. */
const PAUSE_MS = 60_000
/** Without any certificate no call succeeds, so the first download is repeated sooner. */
const FIRST_PAUSE_MS = 5_000
const RENEW_BEFORE_END_MS = 24 * 3_600_000
const RENEWAL_PAUSE_MS = 3_600_000

/** The maximum clock skew between two instances. */
const CLOCK_SKEW_MS = 60_000

/** Together three seconds, for a download that another instance makes at the moment. */
const MOST_LOOKS = 15
const LOOK_EVERY_MS = 200

interface Certificate {
  readonly serial: string
  readonly key: KeyObject
  readonly from: number
  readonly to: number
}

interface Download {
  /** The body of WeChat's answer. */
  readonly body: string
  readonly at: number
  readonly certificates: readonly Certificate[]
}

const list = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    data: v.array(v.object({ serial_no: v.string(), encrypt_certificate: sealedResource })),
  }),
)

const kept = v.pipe(v.string(), v.parseJson(), v.object({ body: v.string(), at: v.number() }))

export function createCertificateKeys(
  settings: V3Settings,
  tools: V3Tools,
  shared: SharedCertificates,
): PlatformKeys {
  let known: Download | null = null
  let running: Promise<void> | null = null
  /** The time of the last download, of this instance or of the one whose download it uses. */
  let triedAt = -Infinity
  let fault: ConfigError | null = null

  const now = () => tools.now().getTime()
  const valid = (): readonly Certificate[] =>
    known?.certificates.filter(({ from, to }) => from <= now() && now() < to) ?? []
  const newest = () => valid().toSorted((one, other) => other.to - one.to)[0]

  const isTooEarly = (at: number, pauseMs: number) =>
    now() - at > -CLOCK_SKEW_MS && now() - at < pauseMs

  /** One download at a time, and none within the pause. */
  const refresh = async (pauseMs: number): Promise<void> => {
    if (running === null && isTooEarly(triedAt, pauseMs)) return
    running ??= load(pauseMs).finally(() => {
      running = null
    })
    await running
  }

  /**
   * Refreshes a second time if the certificate is not found, because the first time may only bring
   * the download of another instance, which may be older than the certificate.
   */
  const refreshFor = async (isFound: () => boolean): Promise<void> => {
    await refresh(PAUSE_MS)
    if (!isFound()) await refresh(PAUSE_MS)
  }

  /** Uses the download of another instance if it is newer. Otherwise it makes one for all. */
  const load = async (pauseMs: number): Promise<void> => {
    const found = await findOrLock(pauseMs)
    if (found !== null) {
      known = found
      triedAt = found.at
      return
    }
    triedAt = now()
    const made = await downloadCertificates(settings, tools)
    fault = made instanceof ConfigError ? made : null
    if (made !== null && !(made instanceof ConfigError)) known = made
    // After a failure the earlier download is kept again, because it was removed for this one.
    if (known === null) return
    const { body, at, certificates } = known
    const lifeMs = Math.max(...certificates.map(({ to }) => to)) - now()
    if (lifeMs > 0) await shared.keep(settings.mchId, JSON.stringify({ body, at }), lifeMs)
  }

  /** Null with the lock for a download, without the store, and if another instance is too slow. */
  const findOrLock = async (pauseMs: number): Promise<Download | null> => {
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      const found = await shared.find(settings.mchId)
      if (found === 'down' || (found !== 'busy' && 'lock' in found)) return null
      if (found === 'busy') {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
        continue
      }
      const download = readKept(settings.apiKey, found.kept)
      const isNewer = download !== null && download.at > (known?.at ?? -Infinity)
      const isFromFuture = download !== null && download.at - now() > CLOCK_SKEW_MS
      if (download !== null && !isFromFuture && (isNewer || isTooEarly(download.at, pauseMs)))
        return download
      await shared.forget(settings.mchId, found.kept)
    }
    return null
  }

  /** A merchant with a public key needs no certificates. */
  const throwFault = () => {
    if (fault !== null && settings.publicKeys.size === 0) throw fault
  }

  return {
    async find(serial) {
      const look = () => valid().find((certificate) => certificate.serial === serial)?.key ?? null
      if (look() === null) {
        await refreshFor(() => look() !== null)
        if (newest() === undefined) throwFault()
      }
      return look()
    },
    async current() {
      const best = newest()
      if (best === undefined) {
        await refresh(FIRST_PAUSE_MS)
        if (newest() === undefined) throwFault()
      } else if (best.to - now() < RENEW_BEFORE_END_MS) await refresh(RENEWAL_PAUSE_MS)
      return newest()?.serial ?? null
    },
    async replace(refused) {
      const serial = () => newest()?.serial ?? refused
      await refreshFor(() => serial() !== refused)
      return serial() === refused ? null : serial()
    },
  }
}

/** Null if there is no usable answer now. */
async function downloadCertificates(
  settings: V3Settings,
  tools: V3Tools,
): Promise<Download | ConfigError | null> {
  const call = { ...settings, ...tools, keys: keysOf(settings, []) }
  const answer = await send(call, { name: PATH, target: PATH }, null, startBudget(CALL_MS))
  if ('why' in answer) return null
  const { status, headers, bytes } = answer
  const json = readJson(bytes)
  const code = json.ok ? (readError(json.value)?.code ?? '') : ''
  if (status === NOT_FOUND && withoutUnderscores(code) === 'RESOURCENOTEXISTS')
    return new ConfigError(
      'WECHAT_PAY_PUBLIC_KEY',
      'is not set, and WeChat has no platform certificates for this merchant',
    )
  if (status !== OK) return null
  const body = Buffer.from(bytes).toString('utf8')
  const certificates = openCertificates(settings.apiKey, body)
  if (certificates === 'sealed')
    return new ConfigError(
      'WECHAT_PAY_V3_KEY',
      'is not the APIv3 key of this merchant: it does not decrypt the platform certificates',
    )
  if (certificates === null) return null
  const at = tools.now()
  const check = await verifyMessage(keysOf(settings, certificates), headers, bytes, at)
  return check === null ? { body, at: at.getTime(), certificates } : null
}

/** WeChat signs the list with one of its certificates, or with the public key. */
const keysOf = (
  { publicKeys }: V3Settings,
  certificates: readonly Certificate[],
): PlatformKeys => ({
  find: async (serial) =>
    publicKeys.get(serial) ?? certificates.find((one) => one.serial === serial)?.key ?? null,
  current: async () => null,
  replace: async () => null,
})

function readKept(apiKey: string, text: string): Download | null {
  const read = v.safeParse(kept, text)
  if (!read.success) return null
  const certificates = openCertificates(apiKey, read.output.body)
  return certificates === null || certificates === 'sealed'
    ? null
    : { ...read.output, certificates }
}

/** Null if the text is not a list of certificates; `sealed` if the key does not decrypt them. */
function openCertificates(apiKey: string, body: string): readonly Certificate[] | 'sealed' | null {
  const read = v.safeParse(list, body)
  if (!read.success || read.output.data.length === 0) return null
  const certificates: Certificate[] = []
  for (const { serial_no: serial, encrypt_certificate: sealed } of read.output.data) {
    const pem = openResource(apiKey, sealed)
    if (pem === null) return 'sealed'
    const certificate = readCertificate(serial, pem)
    if (certificate === null) return null
    certificates.push(certificate)
  }
  return certificates
}

function readCertificate(serial: string, pem: Uint8Array): Certificate | null {
  try {
    const { serialNumber, publicKey, validFrom, validTo } = new X509Certificate(pem)
    if (serialNumber !== serial || publicKey.asymmetricKeyType !== 'rsa') return null
    const [from, to] = [new Date(validFrom).getTime(), new Date(validTo).getTime()]
    return { serial, key: publicKey, from, to }
  } catch {
    return null
  }
}
