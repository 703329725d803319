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
 * Signs requests of APIv3. The simulator does not use TLS, so a refund of v2 only needs to have it.
 * Without one a refund is answered "not configured".
 */
export const demoCertificate = {
  WECHAT_PAY_CERT: `-----BEGIN CERTIFICATE-----
MIIDFzCCAf+gAwIBAgIUXxqcA9LoS3dmocD/7gEjRWeJq80wDQYJKoZIhvcNAQEL
BQAwGjEYMBYGA1UEAwwPMTkwMDAwMDEwOSBkZW1vMCAXDTI2MTEyOTAyMjMyOFoY
DzIxMjYxMTA1MDIyMzI4WjAaMRgwFgYDVQQDDA8xOTAwMDAwMTA5IGRlbW8wggEi
MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCzbuyThQn2SMCMr8Ju8eGvoFye
aNYJvigOaUvDK9C5jVKGtpJC1jzZs6mxMONbIcWchqGAFZS+nfvcGIgodqOdSfQm
XQAMVumdx3qi7+e48iVg04AJIFWKprZq+4saN5nlI+/5308eF7a4ifBLreiWiPQ/
bwml9rmxUdUsydh7qjoP0ulTZGZW5BNX3pPXWebArele9BYsApt75Udo2rjY5o2+
+fRA0GWdfTODVP3XmFheTjtFgWhT6eg6lI0Y0Nd723uHw0Cs1z8LioRnSxan+La9
pEZwaMIXeH8afh54Q5VY3m8xn7hhsjCzjkoeqLfsSyk7oWfXUhFOpYmYZ8m9AgMB
AAGjUzBRMB0GA1UdDgQWBBTsGKus6FsYTTjekGMyTxomkqbB8DAfBgNVHSMEGDAW
gBTsGKus6FsYTTjekGMyTxomkqbB8DAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3
DQEBCwUAA4IBAQAFYavru5mCzkMo1+rCLvO7mD+6dZuP3eg7nL6jLbFAyl2LdK/w
8NFd/5IiZ0K9Zx05dBPTaI1YNG5q/uxxl2vFQBNMiSueMNRfxJIzYBXjvGdBMvmk
acymjr8W+F7aLonSF31kYAi5ypdXMrypAYv+4fAuUa4q90qFlKMhqW8RVXFtYyc/
Y3DJigMuS2VHzShIiVZfjYb9lh5gtsEQoBeNjatKYzN8h7pc9FkLaoLDy99HNM9G
89YHMYT89NTvFrom+QZybzkMWo4yVXWtYN4/U/DxqL7u6jvtOPTWYpW03vG63WQk
mFyyBkNKdtM1LHdSLofd7zQzV53RvdoR6hWQ
-----END CERTIFICATE-----
`,
  WECHAT_PAY_CERT_KEY: `-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCzbuyThQn2SMCM
r8Ju8eGvoFyeaNYJvigOaUvDK9C5jVKGtpJC1jzZs6mxMONbIcWchqGAFZS+nfvc
GIgodqOdSfQmXQAMVumdx3qi7+e48iVg04AJIFWKprZq+4saN5nlI+/5308eF7a4
ifBLreiWiPQ/bwml9rmxUdUsydh7qjoP0ulTZGZW5BNX3pPXWebArele9BYsApt7
5Udo2rjY5o2++fRA0GWdfTODVP3XmFheTjtFgWhT6eg6lI0Y0Nd723uHw0Cs1z8L
ioRnSxan+La9pEZwaMIXeH8afh54Q5VY3m8xn7hhsjCzjkoeqLfsSyk7oWfXUhFO
pYmYZ8m9AgMBAAECggEAC10EmBMRnnDdDaVtdGxwSBipXoU+vAwFQ8rHUYTk1kHT
VO5ONPPJLSa21ThGlCIY/npIOaRXcMe9VSL4lhdtWF8ZzZQpYwURQAmLneYAXTLe
/lLNBcbwCk4+HzUiI6obXoRehKSJWvTr5wpVSkJ2CF9Qy8BscmY9orOPNiO4rs9U
MPYBcFq5VzdfyindPmnmz3Tp9louuBEBRLDVYAb+4ASb5505p/c6vhnYWRKpU15R
mPtCLL1gybm/po+ooFqoQpCOeHntwurRaaGoJpyQYvX0nt7Lv+q4ZETp58+uKF4p
hS/lfHRo56w7EKE82l7cKT4QD1bx8Ws6Sp4VnSIAwQKBgQDkWheqt7RzkgQR5uK7
Qb/4x0I00kLnuIQ1a1Div8SP6pMZC/0tkSFt1lsgANAROPMwTj0T2d1B/vSNClVp
n5KGDbhAyxw0h10OIsD4slLNCIRHY1cDK8+WabHPkhnUdWzWa6ziBo75zHVLw5Ob
U7HH4Esa2fzsVbMDtLzjagRtvwKBgQDJKJGlpGlH6rpE2ZdRdiwP8DXVA6cydRb9
GlGmiCacKYWk5SaKwfwsWLaAeu6SPj9lyWbq7I6XMGK3vWo3mv1w/Bnjh9RB1J1z
vlvkBGuFEClbtkRRXHoQgL4dFR+gwYlBx4FsblpuS0yEBVOojNt+cv5MUjWsiE8u
mP9VWoafgwKBgG5IQHPXgtPp6gNHUasEJxWcDhJ6lYtZpqgx6v+HhAPJUz9edeii
1dU5GAtNuS8IJRLoRkEnD9+GpU7UdcmsIlSRnbHVJgsMcNmZ2T6CyNBy04eyp1xF
tVy8MP7BXa4pA+ZOXFFQv45Ouzta+hejBRI19a/DJY5yGSGqESt3kSn7AoGAKKg4
d+A5Hz4EE/JesSpPUZFdcAZi/sHHubReGGigVSPXTTK7jYQTserkSCeQnKJUMgB4
+raBQ3GWIkj4dPCwlOt/WAuWDRAqGsC41edGzAguM8ktGby1NyyuQDaKw/UaBt+J
+x56zJwPhQeGlySRIIehek+LZanPRz3JLbk0SH0CgYAfgg6V5WsqyZIHr7u6folv
cOtOSDqbpG5LYamA+a6LHbcOcJ2p20Z+qJ2AAlq9+xCuqtsE2yVI8MZVV+RNtPPP
BlNaqIF9FLhjCIIwM4NidFWPQPXlUhRqSZ3g32X8syEOaKZNQ88T3n1AqwlmgRmZ
yJaV9Z2vLV+vGGIr5WoxaQ==
-----END PRIVATE KEY-----
`,
} as const

/** Message push (消息推送) in the console of the Mini Program. */
export const demoPush = {
  WECHAT_PUSH_TOKEN: 'demoPushToken',
  WECHAT_PUSH_KEY: 'demoPushKey00000000000000000000000000000001',
} as const

/** The values of APIv3 that a merchant reads in the merchant console. */
export const demoV3Values = {
  WECHAT_PAY_V3_KEY: 'DemoV3ApiKey00000000000000000001',
  WECHAT_PAY_PUBLIC_KEY_ID: 'PUB_KEY_ID_0119000001092026112900000000000001',
  WECHAT_PAY_PUBLIC_KEY: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwDm0i3ooUc2Oexz6yPkc
9FhRauPXtRwVc8R0E+cYx1w62d4gZw4cblQnXs3I4O5rOyvx5wZ8MvhC826SNq3O
zkOg8utnjW++7XkvKvdp2uxOYzCZKM7Yya4X9YdRj2dDs5fuQztqEIlu6kD5fuah
drXExCP1BdcDukPnswPJNpKGT5qpcNVeUolOVfxEhNnlHE3cbHwtL80oZWYOifwB
B6VP25iElmUvqaiys+9pXsnRj8sYEHvc6UuOzusswWjDjsaEhwc/Po/DO1AAQKYq
N4+Idjpw45d5ebHPKEyNziuAnq28yZonAWWKCPTZSGP7/cHSM4wEswKcMz3WjnUw
dQIDAQAB
-----END PUBLIC KEY-----
`,
} as const

/** The simulator signs with it. Its public key is `WECHAT_PAY_PUBLIC_KEY`. */
export const demoWechatPrivateKey = `-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDAObSLeihRzY57
HPrI+Rz0WFFq49e1HBVzxHQT5xjHXDrZ3iBnDhxuVCdezcjg7ms7K/HnBnwy+ELz
bpI2rc7OQ6Dy62eNb77teS8q92na7E5jMJkoztjJrhf1h1GPZ0Ozl+5DO2oQiW7q
QPl+5qF2tcTEI/UF1wO6Q+ezA8k2koZPmqlw1V5SiU5V/ESE2eUcTdxsfC0vzShl
Zg6J/AEHpU/bmISWZS+pqLKz72leydGPyxgQe9zpS47O6yzBaMOOxoSHBz8+j8M7
UABApio3j4h2OnDjl3l5sc8oTI3OK4CerbzJmicBZYoI9NlIY/v9wdIzjASzApwz
PdaOdTB1AgMBAAECggEALkJU0BIEPPduV/NX6OCGVskgQsx0/zk0cmkvFBETtfpc
kUyy2IodTnHDDb4RHwxRUuqW6uV1IyD6n7GWz0DRmXLN+1eqUm+3b1ewAbOLzmr6
zEUIPrlUk2hpjKVVe+C6erBP3u8f7b3dKtObFy5yYeqJYThUAWVGmN85lauOEysS
EWCAGSSQzyay2ZRGYs9Yl6wdPYjmEQlQxGmtNog/hmxUNxX8WrbjbQpOFQsc/YQ5
fmfpjozaW6lxEcOFQx9POUQf4I4+XpqxVMGkrCUO92AP8YQ9fgSje9wzAZEAF8k8
+VQgzhHxqN5Xsxe1nHdLE2hVej+s9+TPxr+QckMPgQKBgQDeLvNJqRYeMYLgY208
jnNSAt1ONVWT3RitAZbRHEwR7oHXxlITyeD/B2VUEOI6nqHJZI7rHdx3ZhPacXBa
LWTVsrVa7852Fezh2iWez1pAAkj3xJIVpoFK7H9ij3TL0oKCBVa1OBreYGDKUjtn
EGxIykIV5BcrcnCr8A4NgOKfQQKBgQDde3xkiKrnmvVWXcSOWjblLu9y+d2Fi7BO
NHZWFt0puYcGTr+tTs4fo+pBStIAOmcbyoDL0TPrSWtbyOqq3V+0z8xafoXtvVW5
OQ6iLa/zIOmRaCpGkkLNlS4XrQ82DVTJrJCcGCTmuMQB19z1Q2eJWBx88KbtqaA8
abtPk7Q4NQKBgGTSM04Kr2G2H+iI1an0Djp52EjEBPhbDPZ80R5E0/QTIdJzSQ13
v2Say41ROAdXspy7x+rDGycHKB0o+s3A6Y/bT1ZbmXmWS27VWdrtxsti/g+IoK24
Z9VC6i8kX+CZvuUXXRhQxEiCvYkxtYj4N9r0BPcAEM+DV8N95DKWeL/BAoGAMwwg
GofJZEI546MPB4RRfLc5pzVh0kLk6tF6qNLyPIivT0vdL9Om/HHqLwxQpI7Rbv1Y
fCGGpucwIGKJe8I0KddvEThyI95soJk+/zAqio3+Z24ruEJDtWB51CkmBV5DOYxV
dDS4ZJkXTBl1qu3TMjulrUJGJybecK4p5uhzNDUCgYBIEwULoL5qwgwDWsTlO7xf
gsO6SCpOsa/MiC8X66vQLYE6bY2rXophe4GIzjnT0b+cYna91Vb6KoSWQTy4Mtsg
J7rUcStiin2DsgfAC3ogu1dm12H4FCc6ALe+Ob4dt3HjVu3p0fSIulGe0LRpzd97
8fMh3WPYOdV+WYbCb+UnJg==
-----END PRIVATE KEY-----
`

export const demoDatabase = 'postgresql://demo:demo@localhost/demo'
export const demoRedisToken = 'demo-redis-token'
export const demoWebhookSecret = `whsec_${Buffer.from('demo-webhook-secret-of-the-local-world').toString('base64')}`
