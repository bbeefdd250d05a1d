//! Links and devices.

use std::time::Duration;

use domain::Secret;
use futures::future::join_all;
use store::{Device, NewDevice};
use testkit::both_engines;
use uuid::Uuid;

const LIFETIME: Duration = Duration::from_secs(900);

fn phone(tenant: Option<domain::TenantId>) -> NewDevice {
    let scopes = vec!["operator.read".to_owned(), "operator.write".to_owned()];
    NewDevice { label: "a\nphone".to_owned(), scopes, tenant }
}

both_engines! {
    async fn a_link_opens_once(world: &World) {
        let link = world.store.create_link(LIFETIME).await.unwrap();
        let other = world.store.create_link(LIFETIME).await.unwrap();
        assert!(!world.store.use_link(&Secret::new("ocl_unknown")).await.unwrap());
        assert!(world.store.use_link(&link).await.unwrap());
        assert!(!world.store.use_link(&link).await.unwrap());
        assert!(world.store.use_link(&other).await.unwrap());
    }

    async fn of_twenty_who_open_a_link_at_once_one_comes_in(world: &World) {
        let link = world.store.create_link(LIFETIME).await.unwrap();
        let used = join_all((0..20).map(|_| world.store.use_link(&link))).await;
        assert_eq!(used.into_iter().filter(|used| *used.as_ref().unwrap()).count(), 1);
    }

    async fn a_link_expires(world: &World) {
        let (early, late) = (
            world.store.create_link(LIFETIME).await.unwrap(),
            world.store.create_link(LIFETIME).await.unwrap(),
        );
        world.clock.advance(LIFETIME - Duration::from_millis(1));
        assert!(world.store.use_link(&early).await.unwrap());
        world.clock.advance(Duration::from_millis(1));
        assert!(!world.store.use_link(&late).await.unwrap());
    }

    async fn a_device_comes_in_with_its_credential_until_it_is_shut_out(world: &World) {
        let (tenant, _) = world.tenant("acme").await;
        let (mine, credential) = world.store.create_device(phone(None)).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        let (theirs, other) = world.store.create_device(phone(Some(tenant.id))).await.unwrap();
        assert_eq!((mine.label.as_str(), mine.tenant), ("a phone", None));
        assert_eq!(theirs.tenant, Some(tenant.id));
        let by = async |credential: &Secret| -> Option<Device> {
            world.store.device_by_token(credential).await.unwrap()
        };
        assert_eq!(by(&credential).await.as_ref(), Some(&mine));
        assert_eq!(world.store.devices().await.unwrap(), [mine.clone(), theirs.clone()]);

        assert!(world.store.revoke_device(mine.id).await.unwrap());
        assert!(!world.store.revoke_device(mine.id).await.unwrap(), "it is out already");
        assert!(!world.store.revoke_device(Uuid::nil()).await.unwrap());
        assert_eq!(by(&credential).await, None);
        assert_eq!(by(&other).await.as_ref(), Some(&theirs));
        assert_eq!(world.store.devices().await.unwrap(), [theirs]);
    }

    async fn kinds_of_credentials_do_not_open_each_others_doors(world: &World) {
        let (_, tenant) = world.tenant("acme").await;
        let link = world.store.create_link(LIFETIME).await.unwrap();
        let (_, device) = world.store.create_device(phone(None)).await.unwrap();
        for (credential, prefix) in [(&tenant, "oct_"), (&link, "ocl_"), (&device, "ocd_")] {
            assert!(credential.expose().starts_with(prefix));
        }
        assert_eq!(world.store.device_by_token(&tenant).await.unwrap(), None);
        assert_eq!(world.store.device_by_token(&link).await.unwrap(), None);
        assert_eq!(world.store.tenant_by_token(&device).await.unwrap(), None);
        assert!(!world.store.use_link(&device).await.unwrap());
    }
}
