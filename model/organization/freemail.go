package organization

import (
	"strings"
)

// freeMail are domains that give an e-mail address to anybody. An organization that had one of them
// verified would be trusted with the addresses of all its users.
var freeMail = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`
		126.com 163.com 21cn.com aim.com alice.it aliyun.com aol.com aol.de arcor.de att.net bellsouth.net
		bigpond.com bk.ru bluewin.ch bol.com.br btinternet.com charter.net comcast.net cox.net daum.net disroot.org
		duck.com earthlink.net email.com email.cz email.it excite.com fastmail.com fastmail.fm foxmail.com free.fr
		freemail.hu freenet.de frontier.com gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.fr gmx.net googlemail.com
		guerrillamail.com hanmail.net hey.com hotmail.be hotmail.ca hotmail.co.jp hotmail.co.uk hotmail.com
		hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl hushmail.com icloud.com ig.com.br inbox.com inbox.lv
		inbox.ru internode.on.net juno.com kakao.com kolabnow.com laposte.net libero.it list.ru live.ca live.co.uk
		live.com live.com.au live.de live.fr live.it live.nl lycos.com mac.com mail.com mail.de mail.ru mailbox.org
		mailfence.com mailinator.com me.com msn.com mweb.co.za nate.com naver.com neuf.fr o2.pl online.de onet.pl
		optonline.net orange.fr outlook.com outlook.de outlook.es outlook.fr outlook.it outlook.jp pm.me
		poczta.onet.pl posteo.de posteo.net proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com
		riseup.net rocketmail.com rogers.com runbox.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca sina.cn
		sina.com sky.com skynet.be sohu.com startmail.com sympatico.ca t-online.de talktalk.net telenet.be telus.net
		temp-mail.org terra.com.br tin.it tiscali.it tuta.com tuta.io tutanota.com tutanota.de tutamail.com ukr.net
		uol.com.br verizon.net videotron.ca virgilio.it virginmedia.com vodafone.de wanadoo.fr web.de windstream.net
		wp.pl xs4all.nl xtra.co.nz ya.ru yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.ar
		yahoo.com.au yahoo.com.br yahoo.com.mx yahoo.de yahoo.es yahoo.fr yahoo.it yandex.by yandex.com yandex.kz
		yandex.ru yeah.net ymail.com yopmail.com zoho.com zohomail.com`) {
		all[name] = true
	}
	return all
}()
