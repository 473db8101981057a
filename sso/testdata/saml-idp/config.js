// Who is signed in, and what of them is told. The page of the provider asks for no password.
module.exports = {
  user: {
    userName: 'nobody@contoso.example',
    nameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    firstName: 'Saml',
    lastName: "O'Jackson <&>",
    email: 'nobody@contoso.example',
    groups: 'West Coast,Cloud'
  },
  metadata: [
    { id: 'firstName', displayName: 'First Name', multiValue: false },
    { id: 'lastName', displayName: 'Last Name', multiValue: false },
    { id: 'email', displayName: 'E-Mail Address', multiValue: false },
    { id: 'groups', displayName: 'Groups', multiValue: true }
  ]
};
