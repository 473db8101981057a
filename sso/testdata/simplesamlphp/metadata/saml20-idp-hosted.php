<?php
$metadata[getenv('INTEROP_URL') . '/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'key.pem',
    'certificate' => 'certificate.pem',
    // Announced in the metadata, to sign one day.
    'new_privatekey' => 'next-key.pem',
    'new_certificate' => 'next-certificate.pem',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'saml20.sign.response' => true,
    'saml20.sign.assertion' => getenv('INTEROP_SIGN_ASSERTION') === 'true',
    'auth' => 'people',
    // By AES-128 in CBC, for the first encryption key of the service provider's metadata.
    'assertion.encryption' => file_exists(getenv('INTEROP_HOME') . '/encrypt'),

    // Nobody gets in by a request that the service provider has not signed.
    'validate.authnrequest' => true,
    'SingleSignOnServiceBinding' => explode(' ', getenv('INTEROP_BINDINGS')),

    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'authproc' => [
        10 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
    ],
];
