#!/bin/sh
# Signs the templates *.tmpl by xmlsec1, whose canonicalizer is libxml2's: an implementation that
# shares no code with the one under test. The templates have the shapes that vendors send. The keys
# are not kept. Run it in this folder.
set -eu
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 36500 -subj /CN=rsa -keyout "$keys/rsa.key" -out rsa.pem 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=ec -keyout "$keys/ec.key" -out ec.pem 2>/dev/null
for template in *.tmpl; do
	name=${template%.tmpl}
	key=rsa
	case $name in *-ec) key=ec ;; esac
	cp "$template" "$keys/0.xml"
	# The inner signature comes first, as the outer one is over it.
	for node in "//*[local-name()='Assertion']/*[local-name()='Signature']" "/*/*[local-name()='Signature']"; do
		if xmlsec1 --sign --id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion \
			--id-attr:ID urn:oasis:names:tc:SAML:2.0:protocol:Response \
			--privkey-pem "$keys/$key.key" --node-xpath "$node" --output "$keys/1.xml" "$keys/0.xml" 2>"$keys/log"; then
			mv "$keys/1.xml" "$keys/0.xml"
		fi
	done
	mv "$keys/0.xml" "$name.xml"
done
# A parser reads a literal tab or line end in an attribute as a space. xmlsec1 writes what it read, so they are put in
# behind it.
sed 's/FriendlyName="mail box"/FriendlyName="mail\tbox"/' shapes.xml >shapes.new
mv shapes.new shapes.xml
