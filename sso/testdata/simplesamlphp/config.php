<?php
// SimpleSAMLphp as an identity provider for one run of the test, which gives its address and a
// folder with its key, and puts there the metadata of the service providers that it serves.
$home = getenv('INTEROP_HOME');

$config = [
    'baseurlpath' => getenv('INTEROP_URL') . '/',
    'certdir' => "$home/cert/",
    'loggingdir' => "$home/log/",
    'datadir' => "$home/data/",
    'tempdir' => "$home/temp",
    'metadatadir' => __DIR__ . '/metadata/',
    'technicalcontact_name' => 'Test',
    'technicalcontact_email' => 'test@contoso.example',
    'timezone' => 'UTC',
    'secretsalt' => 'a salt that keeps NameIDs the same from run to run',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'admin.protectindexpage' => true,
    'admin.checkforupdates' => false,

    'showerrors' => true,
    'errorreporting' => false,
    'logging.level' => SimpleSAML\Logger::INFO,
    'logging.handler' => 'errorlog',

    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => "$home/session",
    'session.cookie.secure' => false,
    'language.available' => ['en'],
    'language.default' => 'en',
    'usenewui' => false,

    'metadata.sources' => array_merge(
        [['type' => 'flatfile']],
        array_map(fn ($file) => ['type' => 'xml', 'file' => $file], glob("$home/sp/*.xml"))
    ),
];
