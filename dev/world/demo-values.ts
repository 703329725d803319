/**
 * Values for variables that the environment does not name. They are invented, and are refused in
 * production.
 */
export const demoValues = {
  WECHAT_APPID: 'wx00000000demo0001',
  WECHAT_APP_SECRET: 'demo0app0secret00000000000000001',
  WECHAT_MCH_ID: '1900000109',
  WECHAT_PAY_KEY: 'DemoV2ApiKey00000000000000000001',
  SESSION_SECRET: 'demo-session-secret-for-the-local-world-only',
  MERCHANT_API_KEY: 'demo-merchant-key-for-the-local-world',
  CRON_SECRET: 'demo-cron-secret',
} as const

/**
 * The simulator does not use TLS, so this certificate authenticates nothing. Without one a refund
 * is answered "not configured".
 */
export const demoCertificate = {
  WECHAT_PAY_CERT: `-----BEGIN CERTIFICATE-----
MIIBijCCATGgAwIBAgIUJt8ptRwbKi+CBegG/otuy2IVAe4wCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPMTkwMDAwMDEwOSBkZW1vMCAXDTI2MTEyMTA3NTUxN1oYDzIx
MjYxMDI4MDc1NTE3WjAaMRgwFgYDVQQDDA8xOTAwMDAwMTA5IGRlbW8wWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAS9LQ9GVDOJkF2SxR5Y0/o39w9nIdFTCb9Y2COM
SUCf5h5jZPi27NDJdnQVozr6HcX8gBmmPY+NcgX6q0S6bOado1MwUTAdBgNVHQ4E
FgQUe63Gbg/FN92/LYpqMmedjakVvWowHwYDVR0jBBgwFoAUe63Gbg/FN92/LYpq
MmedjakVvWowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBZWTf6
R/SMMuBFITvpVQCwkL/jP72A/fRoNK3iWrJLhwIgEo5hrMiRr9TBvevs+2myHwMG
jZeusc6YDIgGlbpXSmw=
-----END CERTIFICATE-----
`,
  WECHAT_PAY_CERT_KEY: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCgn4Va8SGmS9e3vq
5eH3H7ndBa1VxcrpmtThP70SQkyhRANCAAS9LQ9GVDOJkF2SxR5Y0/o39w9nIdFT
Cb9Y2COMSUCf5h5jZPi27NDJdnQVozr6HcX8gBmmPY+NcgX6q0S6bOad
-----END PRIVATE KEY-----
`,
} as const

export const demoDatabase = 'postgresql://demo:demo@localhost/demo'
export const demoRedisToken = 'demo-redis-token'
export const demoWebhookSecret = `whsec_${Buffer.from('demo-webhook-secret-of-the-local-world').toString('base64')}`
