// node-oidc-provider as a company's identity provider: node provider.cjs MODULES PORT
// Whoever signs in is whom they say, by its own pages for development. Clients register themselves,
// as an administrator would register them.
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const [modules, port] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`

const account = (id) => ({
  accountId: id,
  claims: () => ({
    sub: id,
    email: `${id}@contoso.example`,
    email_verified: !id.startsWith('unverified'),
    name: `${id} O'Provider <&>`,
    given_name: id,
    family_name: "O'Provider <&>",
    groups: ['Cloud', 'West Coast'],
  }),
})

async function main() {
  const entry = path.join(modules, 'oidc-provider', 'lib', 'index.js')
  const { default: Provider } = await import(pathToFileURL(entry).href)
  const provider = new Provider(issuer, {
    cookies: { keys: ['a key of the test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    findAccount: (_, id) => account(id),
  })
  provider.listen(Number(port), '127.0.0.1')
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
