/** The settings of APIv3. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { openCertificate, openPair } from './certificate.ts'
import { read, readAscii, refuse, type Environment } from './environment.ts'
import { openPem, type PemName } from './pem.ts'
import { appid, merchantNumber, payHosts } from './wechat.ts'

export const v3Key = (env: Environment): string =>
  readAscii(
    env,
    'WECHAT_PAY_V3_KEY',
    /^.{32}$/,
    'an APIv3 key of 32 characters',
    ({ length }) => `: it has ${length}`,
  )

/**
 * The serial of the merchant's certificate and the key that signs every request.
 *
 * An expired certificate is accepted. WeChat refuses the calls, but the notifications that it still
 * sends must be verified.
 */
export function merchantIdentity(env: Environment): {
  readonly serial: string
  readonly privateKey: KeyObject
} {
  const { certificate, key } = openPair(env, null)
  if (key.opened.asymmetricKeyType !== 'rsa')
    refuse('WECHAT_PAY_CERT', 'has no RSA key, which APIv3 demands: put apiclient_cert.pem there')
  return { serial: certificate.opened.serialNumber, privateKey: key.opened }
}

/**
 * WeChat Pay's public keys by their ids, the one to name in requests first. Empty: platform
 * certificates are used. There are two while WeChat Pay’s key is being replaced.
 */
export function publicKeys(env: Environment): ReadonlyMap<string, KeyObject> {
  const [id, key] = publicKey(env, 'WECHAT_PAY_PUBLIC_KEY', 'WECHAT_PAY_PUBLIC_KEY_ID') ?? []
  const [otherId, otherKey] =
    publicKey(env, 'WECHAT_PAY_PUBLIC_KEY_OTHER', 'WECHAT_PAY_PUBLIC_KEY_ID_OTHER') ?? []
  if (otherId === undefined || otherKey === undefined)
    return new Map(id === undefined || key === undefined ? [] : [[id, key]])
  if (id === undefined || key === undefined)
    return refuse(
      'WECHAT_PAY_PUBLIC_KEY',
      'is not set, but WECHAT_PAY_PUBLIC_KEY_OTHER is: a single key belongs in WECHAT_PAY_PUBLIC_KEY',
    )
  const [isSameId, isSameKey] = [id === otherId, key.equals(otherKey)]
  if (isSameId && !isSameKey)
    refuse(
      'WECHAT_PAY_PUBLIC_KEY_ID_OTHER',
      'is WECHAT_PAY_PUBLIC_KEY_ID, but the keys differ: each key has an id of its own',
    )
  if (isSameKey && !isSameId)
    refuse(
      'WECHAT_PAY_PUBLIC_KEY_OTHER',
      'is WECHAT_PAY_PUBLIC_KEY, but the ids differ: put the key of the other id there',
    )
  return new Map([
    [id, key],
    [otherId, otherKey],
  ])
}

/** A public key and its id. Null if neither is set. */
function publicKey(
  env: Environment,
  name: PemName,
  idName: string,
): readonly [id: string, key: KeyObject] | null {
  const [isKeySet, isIdSet] = [name, idName].map((one) => (env[one] ?? '') !== '')
  if (!isKeySet && !isIdSet) return null
  if (!isKeySet) refuse(name, `is not set, but ${idName} is: put pub_key.pem there`)
  if (!isIdSet)
    refuse(idName, `is not set, but ${name} is: copy the id from beside the key in the console`)
  if (env[name]?.startsWith(ID_PREFIX) === true)
    refuse(name, `holds the id of a key: put the id into ${idName}, and pub_key.pem there`)
  const key = openPem(env, name, createPublicKey).opened
  if (key.asymmetricKeyType !== 'rsa')
    refuse(name, 'is not an RSA key: put WeChat Pay’s there (pub_key.pem)')
  if (isMerchants(env, key))
    refuse(name, 'is the merchant’s own public key: put WeChat Pay’s there (pub_key.pem)')
  return [publicKeyId(env, idName), key]
}

/** Whether the merchant's own certificate has this public key. */
function isMerchants(env: Environment, key: KeyObject): boolean {
  if ((env['WECHAT_PAY_CERT'] ?? '') === '') return false
  return openCertificate(env, null).opened.publicKey.equals(key)
}

const ID_PREFIX = 'PUB_KEY_ID_'

const publicKeyId = (env: Environment, name: string): string =>
  read(
    env,
    name,
    /^PUB_KEY_ID_[0-9A-Za-z]{1,64}$/,
    'the id of a public key: PUB_KEY_ID_ and digits',
    (value) => (/^[0-9a-f]{40}$/i.test(value) ? '; it looks like the serial of a certificate' : ''),
  )

/** Everything that APIv3 needs. */
export const v3Settings = (env: Environment) =>
  ({
    appid: appid(env),
    mchId: merchantNumber(env),
    apiKey: v3Key(env),
    merchant: merchantIdentity(env),
    publicKeys: publicKeys(env),
    hosts: payHosts(env),
  }) as const
