import { err, ok } from '../result.ts'
import { toRfc3339 } from '../beijing.ts'
import type { V3Operation } from './call.ts'
import { encrypt } from './encryption.ts'
import { checkQuery } from './orders.ts'
import { refuse } from './refusal.ts'

/** The valid platform certificates. A merchant with a public key only has none. */
export const listCertificates: V3Operation = ({ v3, incoming }) => {
  const isKnown = (type: string) => ['RSA', 'SM2', 'ALL'].includes(type)
  const refused = checkQuery(incoming.url, {}, { algorithm_type: isKnown })
  if (refused !== null) return err(refused)
  const certificates =
    incoming.url.searchParams.get('algorithm_type') === 'SM2' ? [] : v3.keys.certificates()
  if (certificates.length === 0)
    return err(
      refuse('RESOURCE_NOT_EXISTS', {
        message: '无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥',
      }),
    )
  return ok({
    data: certificates.toReversed().map(({ serial, pem, effectiveAt, expiresAt }) => ({
      serial_no: serial,
      effective_time: toRfc3339(effectiveAt),
      expire_time: toRfc3339(expiresAt),
      encrypt_certificate: encrypt(v3.apiKey, pem, 'certificate'),
    })),
  })
}
