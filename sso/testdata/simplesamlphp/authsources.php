<?php
$config = [
    'people' => [
        'exampleauth:UserPass',
        'anna:annas-password' => [
            'uid' => ['anna'],
            'mail' => ['anna@contoso.example'],
            'givenName' => ['Anna'],
            'sn' => ['Bergström & Söhne'],
            'groups' => ['Engineering', 'Operations'],
        ],
        'bo:bos-password' => [
            'uid' => ['bo'],
            'mail' => ['bo@contoso.example'],
            'givenName' => ['Bo'],
            'sn' => ['Lind'],
            'groups' => ['Sales'],
        ],
    ],
];
